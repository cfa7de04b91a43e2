"""A machine's blocks, cut into what is carried at a time. Pure, and for both sides of a fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def slices_of(blocks: Sequence[Mapping[str, Any]], seconds: float) -> list[list[Mapping[str, Any]]]:
    """In their order, each slice of at most `seconds` by its blocks' predictions, or of one block that takes longer."""
    slices: list[list[Mapping[str, Any]]] = []
    filled = seconds
    for block in blocks:
        if not slices or filled + block["seconds"] > seconds:
            slices.append([])
            filled = 0.0
        slices[-1].append(block)
        filled += block["seconds"]
    return slices
