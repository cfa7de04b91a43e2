"""A chart as the card image of a shared link: a PNG that says what was measured, on what and when, in any preview."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, log, log10
from typing import Any

from django.utils.translation import gettext as _

from runs.charts import build, canvas
from runs.charts.build import Chart, Point, Series
from runs.charts.canvas import Canvas
from runs.words import numbers

WIDTH, HEIGHT = 1200, 630
_MARGIN = 56
_LEFT, _RIGHT, _TOP, _BOTTOM = 170, 840, 224, 494
"""Of the plot."""
_LEGEND = 880
_MOST_NAMED = 8
"""Series in the legend: as many as fit beside the plot."""
_MOST_TICKS = 9
"""Of the y axis: as many as have room for their labels."""
_STEPS = (1, 2, 2.5, 5, 10)
_SEPARATOR = " · "


@dataclass(frozen=True)
class Words:
    """What stands around the chart: of what the page is called to the site's host."""

    title: str
    note: str = ""
    marks: Sequence[str] = ()
    source: str = ""
    host: str = ""


@dataclass(frozen=True)
class _Axis:
    """`ticks` with their labels; `place` is where a value stands on the picture."""

    ticks: Sequence[tuple[float, str]]
    place: Callable[[float], float]
    title: str


def card(words: Words, chart: Chart | None = None) -> bytes:
    """PNG, 1200 × 630. Without a chart, or where it has no point, its words stand alone."""
    picture = Canvas(WIDTH, HEIGHT)
    has_points = chart is not None and bool(chart.points)
    _brand(picture)
    _headline(picture, words, large=not has_points)
    if chart is not None and has_points:
        _plot(picture, chart)
        _legend(picture, chart.series)
    picture.text((_MARGIN, HEIGHT - 36), words.source, 22, colour=canvas.MUTED, room=760)
    picture.text((WIDTH - _MARGIN, HEIGHT - 36), words.host, 22, colour=canvas.MUTED, anchor="rs", room=300)
    return picture.png()


# ---------------------------------------------------------------- words


def _brand(picture: Canvas) -> None:
    zigzag = ((2, 15), (7, 9), (11, 12), (18, 3))
    picture.line([(_MARGIN - 2 + 1.5 * x, 32 + 1.5 * y) for x, y in zigzag], canvas.ACCENT, 4)
    picture.text((_MARGIN + 36, 56), "Benchsite", 26, weight=canvas.BOLD)


def _headline(picture: Canvas, words: Words, *, large: bool) -> None:
    size, bottom = (48, 330) if large else (42, 118)
    room = WIDTH - 2 * _MARGIN
    picture.text((_MARGIN, bottom), words.title, size, weight=canvas.BOLD, room=room)
    x: float = _MARGIN
    for mark in words.marks:
        width = picture.width_of(mark, 20) + 24
        picture.rectangle((x, bottom + 12), (x + width, bottom + 42), canvas.WARN_GROUND, radius=15)
        picture.text((x + 12, bottom + 34), mark, 20, colour=canvas.WARN)
        x += width + 12
    for number, line in enumerate(picture.lines(words.note, 22, WIDTH - _MARGIN - x, most=2)):
        place = (x, bottom + 34 + 28 * number)
        picture.text(place, line, 22, colour=canvas.MUTED, room=WIDTH - _MARGIN - x)


def _legend(picture: Canvas, series: Sequence[Series]) -> None:
    labels = without_shared_parts([each.label for each in series])
    named = series if len(series) <= _MOST_NAMED else series[: _MOST_NAMED - 1]
    y = _TOP + 14
    for label, each in zip(labels, named, strict=False):
        start, end = (_LEGEND, y - 7), (_LEGEND + 40, y - 7)
        if each.joined:
            picture.line([start, end], canvas.colour_of(each.style), each.style.width, each.style.dash)
        if each.style.has_marker:
            picture.marker((_LEGEND + 20, y - 7), each.style, 7)
        picture.text((_LEGEND + 54, y), label, 21, room=WIDTH - _MARGIN - _LEGEND - 54)
        y += 37
    if len(named) < len(series):
        more = _("and {n} more").format(n=numbers.count(len(series) - len(named)))
        picture.text((_LEGEND + 54, y), more, 21, colour=canvas.MUTED)


def without_shared_parts(labels: Sequence[str]) -> list[str]:
    """Without the parts that all of them have: the conditions above say those."""
    parts = [label.split(_SEPARATOR) for label in labels]
    shared = set.intersection(*map(set, parts)) if len(parts) > 1 else set()
    return [
        _SEPARATOR.join(part for part in own if part not in shared) or label
        for own, label in zip(parts, labels, strict=True)
    ]


# ---------------------------------------------------------------- the plot


def _plot(picture: Canvas, chart: Chart) -> None:
    scales = build.options(chart)["scales"]
    across = _across(chart, scales["x"])
    up = _up(chart, scales["y"])
    picture.rectangle((_LEFT, _TOP), (_RIGHT, _BOTTOM), canvas.SURFACE)
    for value, label in up.ticks:
        picture.line([(_LEFT, up.place(value)), (_RIGHT, up.place(value))], canvas.LINE)
        picture.text((_LEFT - 12, up.place(value)), label, 20, colour=canvas.MUTED, anchor="rm")
    _x_ticks(picture, across)
    picture.text(((_LEFT + _RIGHT) / 2, _BOTTOM + 60), across.title, 20, colour=canvas.MUTED, anchor="ms")
    if up.title != chart.spec.heading:
        picture.text((_LEFT, _TOP - 12), up.title, 20, colour=canvas.MUTED)
    has_intervals = chart.spec.intervals and chart.intervals != "none"
    for each, aside in zip(chart.series, _aside(chart), strict=True):
        _series(picture, each, replace(across, place=_moved(across.place, aside)), up, has_intervals=has_intervals)


def _aside(chart: Chart) -> list[float]:
    """How far each series stands beside its place, in pixels: where all have one x, they would stand on each other."""
    count = len(chart.series)
    if len(build.labels(chart)) > 1:
        return [0.0] * count
    step = 0.8 * (_RIGHT - _LEFT) / count
    return [step * (number - (count - 1) / 2) for number in range(count)]


def _moved(place: Callable[[float], float], aside: float) -> Callable[[float], float]:
    return lambda value: place(value) + aside


def _x_ticks(picture: Canvas, across: _Axis) -> None:
    """A label that would touch the one before it is left out."""
    free_from = 0.0
    for value, label in across.ticks:
        x = across.place(value)
        picture.line([(x, _TOP), (x, _BOTTOM)], canvas.LINE)
        half = picture.width_of(label, 20) / 2
        if x - half >= free_from:
            picture.text((x, _BOTTOM + 28), label, 20, colour=canvas.MUTED, anchor="ms")
            free_from = x + half + 12


def _series(picture: Canvas, series: Series, across: _Axis, up: _Axis, *, has_intervals: bool) -> None:
    colour = canvas.colour_of(series.style)
    places = [(across.place(point.x), up.place(point.y)) for point in series.points]
    if series.joined and len(places) > 1:
        picture.line(places, colour, series.style.width, series.style.dash)
    for point, (x, y) in zip(series.points, places, strict=True):
        if has_intervals and point.low is not None and point.high is not None:
            ends = [(x, up.place(point.low)), (x, up.place(point.high))]
            picture.line(ends, colour, series.style.width, series.style.dash)
        if series.style.has_marker:
            picture.marker((x, y), series.style, series.radius + 2)


# ---------------------------------------------------------------- axes


def _across(chart: Chart, scale: dict[str, Any]) -> _Axis:
    values = build.labels(chart)
    low, high = scale.get("min", values[0]), scale.get("max", values[-1])
    is_log = scale["type"] == "logarithmic" and low > 0
    if "words" in scale:
        ticks = list(zip(scale["fixedTicks"], scale["words"], strict=True))
    else:
        fixed = scale.get("fixedTicks") or linear_ticks(low, high)
        ticks = [(value, numbers.short(value)) for value in fixed]
    inside = [(value, label) for value, label in ticks if low <= value <= high]
    return _Axis(inside, _placing(low, high, _LEFT, _RIGHT, is_log=is_log), scale["title"]["text"])


def _up(chart: Chart, scale: dict[str, Any]) -> _Axis:
    unit = chart.spec.y.unit
    if "fixedTicks" in scale:
        ticks = scale["fixedTicks"]
    else:
        held = [value for point in chart.held for value in _heights(point)]
        ticks = linear_ticks(min(0.0, *held) if chart.from_zero else min(held), max(held))
    is_log = chart.scale == "log" and ticks[0] > 0
    placing = _placing(ticks[0], ticks[-1], _BOTTOM, _TOP, is_log=is_log)
    ticks = ticks[:: ceil(len(ticks) / _MOST_TICKS)]
    labels = [(value, f"{numbers.short(value)}{'' if unit == '×' else ' '}{unit}".rstrip()) for value in ticks]
    return _Axis(labels, placing, scale["title"]["text"])


def _heights(point: Point) -> list[float]:
    return [value for value in (point.low, point.y, point.high) if value is not None]


def _placing(low: float, high: float, start: float, end: float, *, is_log: bool) -> Callable[[float], float]:
    if is_log:
        low, high = log(low), log(high)
    reach = (high - low) or 1.0

    def place(value: float) -> float:
        at = (log(value) if value > 0 else low) if is_log else value
        return start + (end - start) * min(1.0, max(0.0, (at - low) / reach))

    return place


def linear_ticks(low: float, high: float) -> list[float]:
    """From `low` or just below to `high` or just above, in about five round steps."""
    rough = (high - low or abs(high) or 1.0) / 5
    power = 10.0 ** floor(log10(rough))
    step = next(step * power for step in _STEPS if step * power >= rough)
    first = floor(low / step)
    last = next(number for number in range(first + 1, first + 12) if number * step >= high)
    return [number * step for number in range(first, last + 1)]
