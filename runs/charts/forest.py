"""A forest plot: ratios on a log axis with their intervals, drawn by the server as percentages of the plot's width."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

from django.utils.translation import gettext as _

from runs.charts.style import Chip, SeriesStyle
from runs.words import numbers

TICKS = (1.0, 1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
TICKS_BELOW = (0.7, 0.5, 0.3, 0.2, 0.1)
LEFT = 0.85
LEAST_RIGHT = 2.2
LEAST_TICK_DISTANCE = 9


@dataclass(frozen=True)
class Mark:
    """One row to draw. Without a value there is only its chip and the reason."""

    title: str
    style: SeriesStyle
    chip: Chip
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""

    @property
    def words(self) -> str:
        if self.value is None:
            return self.reason
        if self.low is None:
            return _("{ratio}; an interval needs three runs").format(ratio=numbers.times(self.value))
        # xgettext:no-python-format
        return _("{ratio}, 95 % interval {interval}").format(
            ratio=numbers.times(self.value), interval=numbers.interval(self.low, self.high, "×")
        )

    @property
    def ratio(self) -> str:
        return numbers.times(self.value)


@dataclass(frozen=True)
class PlacedMark:
    mark: Mark
    x: str = ""
    low_x: str = ""
    high_x: str = ""


@dataclass(frozen=True)
class Tick:
    label: str
    x: str


@dataclass(frozen=True)
class Forest:
    """Positions are percentages, as SVG takes them."""

    rows: Sequence[PlacedMark]
    ticks: Sequence[Tick]
    one_x: str
    band_x: str
    band_width: str


def forest(marks: Sequence[Mark], *, rope: float = 0.05) -> Forest:
    """The band is that of a tie: from 1 / (1 + rope) to 1 + rope."""
    at = _scale(marks)
    band = at(1 / (1 + rope)), at(1 + rope)
    return Forest(
        rows=[_placed(mark, at) for mark in marks],
        ticks=_ticks(at),
        one_x=_percent(at(1)),
        band_x=_percent(band[0]),
        band_width=_percent(band[1] - band[0]),
    )


def _scale(marks: Sequence[Mark]) -> Callable[[float], float]:
    bounds = [bound for mark in marks for bound in (mark.value, mark.low, mark.high) if bound]
    left = min([LEFT, *(0.97 * bound for bound in bounds)])
    right = max([LEAST_RIGHT, *(1.15 * bound for bound in bounds)])
    return lambda value: 100 * log(value / left) / log(right / left)


def _placed(mark: Mark, at: Callable[[float], float]) -> PlacedMark:
    places = [_percent(at(value)) if value else "" for value in (mark.value, mark.low, mark.high)]
    return PlacedMark(mark, *places)


def _ticks(at: Callable[[float], float]) -> list[Tick]:
    """From 1 on, to either side, leaving out those that would touch another or the edge."""
    kept = [1.0]
    for tick in (*TICKS[1:], *TICKS_BELOW):
        is_free = all(abs(at(tick) - at(other)) >= LEAST_TICK_DISTANCE for other in kept)
        if 3 <= at(tick) <= 97 and is_free:
            kept.append(tick)
    return [Tick(numbers.times_short(tick), _percent(at(tick))) for tick in sorted(kept)]


def _percent(value: float) -> str:
    """Never localised: this is SVG, not prose."""
    return f"{value:.2f}%"
