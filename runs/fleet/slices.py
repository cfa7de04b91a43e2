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


def fitting(blocks: Sequence[Mapping[str, Any]], seconds: float | None) -> list[Mapping[str, Any]]:
    """In their order, those that a budget of `seconds` has time for; what would end too late is passed over."""
    found, spent = [], 0.0
    for block in blocks:
        if seconds is None or spent + block["seconds"] <= seconds:
            found.append(block)
            spent += block["seconds"]
    return found
