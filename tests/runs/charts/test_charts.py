from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.registry import ENGINES
from runs.charts import build, specs, style
from runs.charts.build import Chart, Point, Series
from runs.charts.forest import LEAST_TICK_DISTANCE, Mark, forest
from runs.charts.style import Chip
from runs.pages.files import clean

TOKENS = Path(__file__).parents[3] / "static" / "css" / "tokens.css"


def chart(*points: Point, scale: specs.Scale = "log") -> Chart:
    series = Series("Theano", style.style_for("theano"), points)
    return Chart(specs.SPECS["time-per-epoch"], [series], scale, "mlp")


# ---------------------------------------------------------------- how a series is drawn


def test_the_backend_decides_hue_and_marker_and_keras_the_dash() -> None:
    direct, keras = style.style_for("theano"), style.style_for("keras-theano")
    assert (direct.hue, direct.marker) == (keras.hue, keras.marker)
    assert not direct.dash
    assert keras.dash


@pytest.mark.parametrize(("network", "shallow", "deep"), [("mlp", 8, 16), ("cnn", 1, 2)])
def test_shallow_is_hollow_and_deep_is_filled(network: str, shallow: int, deep: int) -> None:
    assert not style.style_for("theano", network_type=network, hidden_layers=shallow).filled
    assert style.style_for("theano", network_type=network, hidden_layers=deep).filled


def test_the_tuned_track_is_drawn_thicker() -> None:
    assert style.style_for("theano", track="tuned").width > style.style_for("theano").width


def test_no_two_engines_look_alike() -> None:
    looks = {(made.hue, made.marker, made.dash) for made in map(style.style_for, ENGINES)}
    assert len(looks) == len(ENGINES)


@given(st.lists(st.sampled_from(["theano", "keras-theano", "jax"]), max_size=9))
def test_series_of_one_chart_look_alike_only_where_the_tints_have_run_out(engines: list[str]) -> None:
    series = [Series(str(at), style.style_for(engine), [Point(1, 1)]) for at, engine in enumerate(engines)]
    made = Chart(specs.SPECS["time-per-epoch"], series, "log", "mlp").series
    assert [each.label for each in made] == [each.label for each in series]
    tints = {
        engine: [each.style.tint for each, own in zip(made, engines, strict=True) if own == engine]
        for engine in engines
    }
    for found in tints.values():
        assert found == [min(at, style.MOST_TINTS) for at in range(len(found))]


def test_an_unknown_engine_is_drawn_in_grey_with_a_marker_of_its_own() -> None:
    assert style.style_for("from-the-future").hue.name == "other"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_style_sheet_has_the_declared_hues(theme: str) -> None:
    light, dark = TOKENS.read_text().split(':root[data-theme="dark"]')
    block = light if theme == "light" else dark
    for hue in style.HUES:
        assert re.search(rf"--{hue.name}: {getattr(hue, theme)};", block), hue


# ---------------------------------------------------------------- specs


def test_two_charts_with_one_slug_are_refused() -> None:
    spec = specs.SPECS["epochs"]
    with pytest.raises(ValueError, match="same slug"):
        specs.validated((spec, spec))


def test_an_axis_without_a_default_label_is_refused() -> None:
    spec = specs.ChartSpec("x", "X", x=specs.Axis({"mlp": "Width"}), y=specs.Axis({"": "Time"}))
    with pytest.raises(ValueError, match="default label"):
        specs.validated((spec,))


def test_an_unknown_scale_is_refused_and_the_known_ones_named() -> None:
    spec = specs.ChartSpec("x", "X", x=specs.Axis({"": "x"}), y=specs.Axis({"": "y"}), scales=("cubic",))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="log, linear"):
        specs.validated((spec,))


# ---------------------------------------------------------------- building


def test_a_point_carries_its_interval_and_runs() -> None:
    (series,) = chart(Point(25, 0.5, 0.4, 0.6, runs=5)).series
    assert build.points(series) == [{"x": 25, "y": 0.5, "low": 0.4, "high": 0.6, "runs": 5, "url": ""}]


def test_the_log_axis_holds_every_interval() -> None:
    y = build.options(chart(Point(25, 0.5, 0.09, 0.6), Point(50, 40, 30, 51)))["scales"]["y"]
    assert y["type"] == "logarithmic"
    assert y["min"] <= 0.09
    assert y["max"] >= 51


def test_the_linear_axis_begins_at_zero() -> None:
    y = build.options(chart(Point(25, 0.5), scale="linear"))["scales"]["y"]
    assert (y["type"], y["beginAtZero"]) == ("linear", True)


def test_ticks_of_the_width_stand_at_the_widths_that_occur() -> None:
    x = build.options(chart(Point(200, 1), Point(25, 1)))["scales"]["x"]
    assert x["fixedTicks"] == [25, 200]
    assert x["min"] < 25 < 200 < x["max"]
    assert x["title"]["text"] == "Neurons per hidden layer"


@given(st.floats(1e-6, 1e6), st.floats(1, 1e6))
def test_log_ticks_enclose_what_they_must(low: float, factor: float) -> None:
    high = low * factor
    ticks = build.log_ticks(low, high)
    assert ticks[0] <= low
    assert ticks[-1] >= high
    assert len(ticks) >= 2
    assert ticks == sorted(set(ticks))


def test_the_summary_names_the_lowest_and_the_highest() -> None:
    words = build.summary(chart(Point(25, 0.5), Point(1600, 12.345)))
    assert "0.500 s (Theano at 25)" in words
    assert "12.3 s (Theano at 1,600)" in words


def test_a_chart_without_points_is_built_too() -> None:
    empty = chart()
    assert build.summary(empty) == "No point to draw."
    assert build.options(empty)["scales"]["x"]["type"] == "logarithmic"


# ---------------------------------------------------------------- JSON


def test_numbers_of_all_kinds_become_plain_json() -> None:
    sent = clean({"a": np.float32(0.5), "b": np.int64(3), "c": Decimal("1.5"), "d": [math.nan, math.inf], "e": (1,)})
    assert json.loads(json.dumps(sent, allow_nan=False)) == {"a": 0.5, "b": 3, "c": 1.5, "d": [None, None], "e": [1]}


# ---------------------------------------------------------------- forest plots


def mark(value: float | None, low: float | None = None, high: float | None = None) -> Mark:
    return Mark("Theano", style.style_for("theano"), Chip("slower", "bad"), value, low, high)


def test_a_larger_ratio_stands_further_right_and_all_stand_inside() -> None:
    plot = forest([mark(1.0), mark(1.5, 1.3, 1.8), mark(40, 20, 90)])
    places = [float(row.x.rstrip("%")) for row in plot.rows]
    assert places == sorted(places)
    assert places[0] > 0
    assert float(plot.rows[2].high_x.rstrip("%")) < 100


def test_the_tie_band_surrounds_one() -> None:
    plot = forest([mark(1.0)])
    left, width, one = (float(text.rstrip("%")) for text in (plot.band_x, plot.band_width, plot.one_x))
    assert left < one < left + width


@pytest.mark.parametrize("values", [(0.4, 0.55, 1.0), (0.05, 30.0), (1.0, 1.1), (0.97,), (1.5, 900.0)])
def test_ticks_stand_apart_on_both_sides_of_one(values: tuple[float, ...]) -> None:
    ticks = forest([mark(value, 0.95 * value, 1.05 * value) for value in values]).ticks
    places = [float(tick.x.rstrip("%")) for tick in ticks]
    assert all(right - left >= LEAST_TICK_DISTANCE for left, right in pairwise(places))
    labels = [float(tick.label.rstrip("×")) for tick in ticks]
    assert labels == sorted(labels)
    assert 1 in labels
    assert (labels[0] < 1) == (min(values) < 0.7)


def test_what_has_no_time_is_a_row_without_a_marker() -> None:
    (row,) = forest([mark(None)]).rows
    assert (row.x, row.low_x) == ("", "")


# ---------------------------------------------------------------- contrast


def tokens(theme: str) -> dict[str, str]:
    light, dark = TOKENS.read_text().split(':root[data-theme="dark"]')
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light if theme == "light" else dark))


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_and_marks_stand_out_in_both_themes(theme: str) -> None:
    token = tokens(theme)
    grounds = ("background", "surface", "sunken")
    words = [(word, ground) for word in ("ink", "muted", "accent") for ground in grounds]
    words += [(word, f"{word}-ground") for word in ("good", "bad", "warn")]
    words += [
        ("ink", "heat-1"),
        ("ink", "heat-2"),
        ("ink", "heat-3"),
        ("heat-ink-4", "heat-4"),
        ("heat-ink-5", "heat-5"),
    ]
    words += [("on-accent", "accent")]
    marks = [(hue.name, "surface") for hue in style.HUES] + [("control-line", "surface")]
    weak = [(pair, round(contrast(token[pair[0]], token[pair[1]]), 2)) for pair in words]
    weak = [(pair, ratio) for pair, ratio in weak if ratio < 4.5]
    weak += [(pair, ratio) for pair in marks if (ratio := contrast(token[pair[0]], token[pair[1]])) < 3]
    assert weak == []
