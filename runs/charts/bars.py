"""Bars for one number of each of a few things, drawn by the server as percentages of the plot's width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """`width` is for SVG, and never localised."""

    label: str
    width: str
    words: str


def bars(values: Sequence[tuple[str, float, str]], *, longest: float = 0.0) -> list[Bar]:
    """From (label, value, the value in words). `longest` is the value of a whole plot's width; the largest if 0."""
    whole = longest or max((value for _, value, _ in values), default=0.0) or 1.0
    return [Bar(label, f"{100 * min(value / whole, 1.0):.2f}%", words) for label, value, words in values]
