"""What the pages of scaling share: over threads, and over replicas."""

from __future__ import annotations

from typing import Any

from runs.charts.build import Point
from runs.stats import Ratio
from runs.words import numbers


def interval_words(ratio: Ratio | None) -> str:
    return numbers.interval(ratio.low, ratio.high, "×") if ratio else numbers.NONE


def point(x: int, found: Any, factor: float, url: str) -> Point:
    """`found` is an Estimate or a Ratio."""
    value = found.seconds if hasattr(found, "seconds") else found.value
    low, high = (None if bound is None else bound * factor for bound in (found.low, found.high))
    return Point(x, value * factor, low, high, found.runs, url)
