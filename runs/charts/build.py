"""A chart's spec and its series -> what Chart.js draws. The page, the JSON and later exports share this."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from runs.charts.specs import Axis, ChartSpec, Scale
from runs.charts.style import KERAS_DASH, MOST_TINTS, SeriesStyle
from runs.words import numbers

_LOG_STEPS = (1, 2, 5, 10)
_COARSE_LOG_STEPS = (1, 3, 10)
_COARSE_FROM = 100
_X_MARGIN = 1.12


@dataclass(frozen=True)
class Point:
    """`low` and `high` bound the 95 % interval, where there are runs enough for one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    runs: int = 1
    url: str = ""
    word: str = ""
    """What x stands for, where it is no number for a reader."""
    each: tuple[float, ...] = ()
    """Of what y is the middle of, where that is asked for: each run's own value."""


@dataclass(frozen=True)
class Series:
    label: str
    style: SeriesStyle
    points: Sequence[Point]
    radius: float = 4.0
    joined: bool = True
    """Whether a line runs from point to point."""


@dataclass(frozen=True)
class Chart:
    """A chart that is ready to be drawn. `network_type` chooses the words on the axes."""

    spec: ChartSpec
    series: Sequence[Series]
    scale: Scale
    network_type: str = ""
    note: str = ""
    marks: Sequence[str] = field(default=())
    """Words that must stand on the picture itself, such as `synthetic data`."""
    intervals: str = "bars"
    """bars, bands, runs or none; only where the spec has intervals."""
    x_words: Sequence[tuple[float, str]] = ()
    """Where x is no number for a reader: the places of its ticks, each with its word."""
    verticals: Sequence[tuple[float, str]] = ()
    """Values of x that a line marks, with its word."""
    from_zero: bool = True
    """Whether a linear axis begins at zero."""
    bounds: Sequence[Point] = ()
    """Points that the axes must hold as well: small multiples share their scales."""
    part: str = ""
    """Of small multiples, which this is: `Device: CPU`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "series", told_apart(self.series))

    @property
    def has_several(self) -> bool:
        return len(self.series) > 1

    @property
    def points(self) -> list[Point]:
        return [point for series in self.series for point in series.points]

    @property
    def held(self) -> list[Point]:
        return [*self.points, *self.bounds]

    def only(self, series: Iterable[Series]) -> Chart:
        """The same chart of some of its series."""
        return replace(self, series=list(series))


def told_apart(series: Sequence[Series]) -> list[Series]:
    """Each of those that would look alike in the next tint that is free, as far as there are tints."""
    found: list[Series] = []
    seen: set[tuple[SeriesStyle, float]] = set()
    for each in series:
        style = each.style
        while (style, each.radius) in seen and style.tint < MOST_TINTS:
            style = replace(style, tint=style.tint + 1)
        seen.add((style, each.radius))
        found.append(each if style is each.style else replace(each, style=style))
    return found


def points(series: Series) -> list[dict[str, Any]]:
    return [
        {"x": point.x, "y": point.y, "low": point.low, "high": point.high, "runs": point.runs, "url": point.url}
        | ({"word": point.word} if point.word else {})
        | ({"each": list(point.each)} if point.each else {})
        for point in series.points
    ]


def look(series: Series) -> dict[str, Any]:
    """Colours are the light theme's; the page puts in its own theme's by `hue`."""
    style = series.style
    return {
        "hue": style.hue.name,
        "tint": style.tint,
        "filled": style.filled,
        "borderColor": style.hue.light,
        "backgroundColor": style.hue.light,
        "pointBorderColor": style.hue.light,
        "pointBackgroundColor": style.hue.light if style.filled else "#ffffff",
        "pointStyle": style.marker.point_style,
        "pointRadius": series.radius,
        "pointHoverRadius": series.radius + 2,
        "pointBorderWidth": 1.75,
        "borderDash": list(style.dash),
        "borderWidth": style.width,
        "tension": 0,
        "showLine": series.joined,
        "fill": False,
    }


def options(chart: Chart) -> dict[str, Any]:
    """Chart.js options, with each axis' label, unit, bounds and ticks; `fixedTicks` is read by the page's own code."""
    return {
        "title": chart.spec.heading,
        "note": chart.note,
        "marks": list(chart.marks),
        "key": _("Dashed: through Keras") if any(each.style.dash == KERAS_DASH for each in chart.series) else "",
        "intervals": chart.intervals if chart.spec.intervals else "none",
        "verticals": [{"x": x, "label": label} for x, label in chart.verticals],
        "words": words(),
        "scales": {
            "x": _axis(chart.spec.x, chart.spec.x.scale, chart.network_type) | _x_bounds(chart),
            "y": _axis(chart.spec.y, chart.scale, chart.network_type) | _y_bounds(chart),
        },
    }


def words() -> dict[str, str]:
    """What the page's own code says about a chart, in the reader's language."""
    return {
        "interval": _("95 %: {low} to {high}"),
        "runs": _("{runs} runs"),
        "more": _("and {n} more"),
        "link": _("Click a point to see its runs"),
    }


def labels(chart: Chart) -> list[float]:
    return sorted({point.x for point in chart.held})


def summary(chart: Chart) -> str:
    """The chart in words, for those who do not see it."""
    if not chart.points:
        return _("No point to draw.")
    fastest = min(chart.points, key=lambda point: point.y)
    slowest = max(chart.points, key=lambda point: point.y)
    return _("{title}: {series}, {points}. Lowest {low} ({low_at}), highest {high} ({high_at}).").format(
        title=chart.spec.heading,
        series=ngettext("{n} series", "{n} series", len(chart.series)).format(n=numbers.count(len(chart.series))),
        points=ngettext("{n} point", "{n} points", len(chart.points)).format(n=numbers.count(len(chart.points))),
        low=numbers.with_unit(fastest.y, chart.spec.y.unit),
        low_at=_owner(chart, fastest),
        high=numbers.with_unit(slowest.y, chart.spec.y.unit),
        high_at=_owner(chart, slowest),
    )


def _owner(chart: Chart, point: Point) -> str:
    label = next(series.label for series in chart.series if any(own is point for own in series.points))
    named = min(chart.x_words, key=lambda each: abs(each[0] - point.x))[1] if chart.x_words else ""
    x = named or (numbers.digits(point.x) if point.x % 1 else numbers.count(int(point.x)))
    return _("{series} at {x}").format(series=label, x=x)


def _axis(axis: Axis, scale: Scale, network_type: str) -> dict[str, Any]:
    return {
        "type": "logarithmic" if scale == "log" else "linear",
        "unit": axis.unit,
        "title": {"display": True, "text": axis.label(network_type)},
    }


def _x_bounds(chart: Chart) -> dict[str, Any]:
    values = labels(chart)
    if chart.x_words and values:
        margin = (values[-1] - values[0] or 1.0) / 25
        places = [place for place, _word in chart.x_words]
        words = [word for _place, word in chart.x_words]
        return {"min": values[0] - margin, "max": values[-1] + margin, "fixedTicks": places, "words": words}
    if values and chart.spec.x.scale == "log" and not chart.spec.x.fixed_ticks:
        ticks = log_ticks(values[0], values[-1])
        return {"min": ticks[0], "max": ticks[-1], "fixedTicks": ticks}
    if not values or not chart.spec.x.fixed_ticks:
        return {}
    if chart.spec.x.scale == "linear":
        return {"min": values[0] - 0.5, "max": values[-1] + 0.5, "fixedTicks": values}
    return {"min": values[0] / _X_MARGIN, "max": values[-1] * _X_MARGIN, "fixedTicks": values}


def _y_bounds(chart: Chart) -> dict[str, Any]:
    if chart.scale == "linear":
        return {"beginAtZero": chart.from_zero} | _shared_top(chart)
    values = [
        value for point in chart.held for value in (point.low, point.y, point.high, *point.each) if value and value > 0
    ]
    if not values:
        return {}
    ticks = log_ticks(min(values), max(values))
    return {"min": ticks[0], "max": ticks[-1], "fixedTicks": ticks}


def _shared_top(chart: Chart) -> dict[str, Any]:
    return {"suggestedMax": max(point.high or point.y for point in chart.bounds)} if chart.bounds else {}


def log_ticks(low: float, high: float) -> list[float]:
    """From just below `low` to just above `high`, two at the least: 1, 2, 5, 10 …, over two decades 1, 3, 10 …"""
    fractions = _LOG_STEPS if high / low < _COARSE_FROM else _COARSE_LOG_STEPS
    exponents = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    steps = sorted({float(f"{step}e{exponent}") for exponent in exponents for step in fractions})
    first = _last(step for step in steps if step <= low)
    after = next(step for step in steps if step >= high and step > first)
    return [step for step in steps if first <= step <= after]


def _last(values: Iterable[float]) -> float:
    *_, last = values
    return last
