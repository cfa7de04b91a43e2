"""A small chart drawn by the server as SVG, without a script: for galleries, where what counts is the shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

from runs.charts.build import Chart, Point
from runs.charts.style import SeriesStyle

WIDTH, HEIGHT, MARGIN = 240, 132, 8


@dataclass(frozen=True)
class SketchedSeries:
    """`path` joins the points; `points` are where the markers stand."""

    style: SeriesStyle
    path: str
    points: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Sketch:
    series: Sequence[SketchedSeries]
    view_box: str = f"0 0 {WIDTH} {HEIGHT}"


def sketch(chart: Chart) -> Sketch:
    points = chart.points
    if not points:
        return Sketch(())
    across = _place([point.x for point in points], MARGIN, WIDTH - MARGIN, is_log=chart.spec.x.scale == "log")
    up = _place(_heights(chart, points), HEIGHT - MARGIN, MARGIN, is_log=chart.scale == "log")
    return Sketch([_drawn(series.style, series.points, across, up) for series in chart.series])


def _heights(chart: Chart, points: Sequence[Point]) -> list[float]:
    """On a linear scale the ground is zero."""
    return [point.y for point in points] + ([0.0] if chart.scale == "linear" else [])


def _drawn(
    style: SeriesStyle, points: Sequence[Point], across: Callable[[float], str], up: Callable[[float], str]
) -> SketchedSeries:
    places = [(across(point.x), up(point.y)) for point in points]
    return SketchedSeries(style, "M" + "L".join(f"{x} {y}" for x, y in places), places)


def _place(values: Sequence[float], start: float, end: float, *, is_log: bool) -> Callable[[float], str]:
    low, high = (min(values), max(values))
    if is_log and low > 0:
        low, high = log(low), log(high)
    reach = (high - low) or 1.0

    def place(value: float) -> str:
        at = log(value) if is_log and value > 0 else value
        return f"{start + (end - start) * (at - low) / reach:.1f}"

    return place
