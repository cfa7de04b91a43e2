"""A strip: many ratios on one log axis, each a tick in the colour of its answer, over the region that was claimed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, log

from runs.words import numbers

LEAST, MOST = 1 / 4, 4.0
TONES = {"agrees": "good", "disagrees": "bad", "unresolved": "warn"}


@dataclass(frozen=True)
class Dash:
    """One answer; `low_x` and `high_x` are the ends of its interval, as percentages of the strip's width."""

    x: str
    low_x: str
    high_x: str
    tone: str
    title: str


@dataclass(frozen=True)
class Strip:
    dashes: Sequence[Dash]
    band_x: str
    band_width: str
    one_x: str
    ends: tuple[str, str]
    """The axis' first and last ratio, in words."""


@dataclass(frozen=True)
class Answered:
    """A ratio with its interval, how it answered and what was asked."""

    value: float
    low: float | None
    high: float | None
    answer: str
    words: str


def strip(answers: Sequence[Answered], region: tuple[float, float]) -> Strip:
    """`region` is where the claim puts the ratio; it may reach to infinity."""
    bounds = [bound for each in answers for bound in (each.value, each.low, each.high) if bound]
    low, high = min([LEAST, *bounds]), max([MOST, *bounds])

    def at(value: float) -> float:
        if value in (0.0, inf):
            return 100.0 if value else 0.0
        return 1 + 98 * log(min(max(value, low), high) / low) / log(high / low)

    start, end = at(region[0]), at(region[1])
    dashes = [_dash(each, at) for each in answers]
    ends = numbers.times(low), numbers.times(high)
    return Strip(dashes, _percent(start), _percent(end - start), _percent(at(1.0)), ends)


def _dash(each: Answered, at: Callable[[float], float]) -> Dash:
    low, high = (each.value if bound is None else bound for bound in (each.low, each.high))
    x, low_x, high_x = (_percent(at(value)) for value in (each.value, low, high))
    return Dash(x, low_x, high_x, TONES.get(each.answer, "none"), each.words)


def _percent(value: float) -> str:
    return f"{value:.2f}%"
