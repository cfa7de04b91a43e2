"""Card images: what is drawn stands where the numbers say, and nothing that a name holds is an error."""

from __future__ import annotations

from io import BytesIO
from itertools import pairwise
from math import dist, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from runs.charts.build import Chart, Point, Series
from runs.charts.canvas import Canvas, colour_of, dashes, drawable
from runs.charts.card import HEIGHT, WIDTH, Words, card, linear_ticks, without_shared_parts
from runs.charts.specs import SPECS, Scale
from runs.charts.style import style_for

FINITE = st.floats(-1e9, 1e9)
SHAPED = ["theano", "tensorflow", "jax", "torch", "no-such-engine"]


def picture(chart: Chart | None = None, words: Words | None = None) -> Image.Image:
    found = Image.open(BytesIO(card(words or Words("Time per epoch"), chart))).convert("RGB")
    assert found.size == (WIDTH, HEIGHT)
    return found


def chart(*engines: str, xs: tuple[float, ...] = (1, 10, 100), scale: Scale = "log") -> Chart:
    series = [
        Series(engine, style_for(engine), [Point(x, 0.5 * number + x, 0.4 * number + x, number + x) for x in xs])
        for number, engine in enumerate(engines, start=1)
    ]
    return Chart(SPECS["time-per-epoch"], series, scale)


def colours(found: Image.Image) -> set[str]:
    counted = found.getcolors(WIDTH * HEIGHT)
    assert counted
    return {"#" + bytes(colour).hex() for _count, colour in counted if isinstance(colour, tuple)}


def first_row(found: Image.Image, colour: str) -> int:
    """Of the plot, where anything has that colour."""
    wanted = tuple(bytes.fromhex(colour[1:]))
    return next(y for y in range(224, 494) if any(found.getpixel((x, y)) == wanted for x in range(172, 838)))


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_every_series_is_drawn_in_its_colour_and_no_other_is(scale: Scale) -> None:
    drawn = colours(picture(chart("theano", "jax", scale=scale)))
    assert {colour_of(style_for("theano")), colour_of(style_for("jax"))} <= drawn
    assert colour_of(style_for("torch")) not in drawn


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_what_takes_longer_stands_higher(scale: Scale) -> None:
    found = picture(chart("jax", "torch", xs=(10,), scale=scale))
    slow, fast = colour_of(style_for("torch")), colour_of(style_for("jax"))
    assert first_row(found, slow) < first_row(found, fast)


def test_series_with_one_x_stand_side_by_side() -> None:
    found = picture(chart("theano", "jax", "torch", xs=(10,)))
    middles = [middle(found, colour_of(style_for(engine))) for engine in ("theano", "jax", "torch")]
    assert all(after - before > 100 for before, after in pairwise(middles))


def middle(found: Image.Image, colour: str) -> float:
    """Of all in the plot that has that colour, from the left."""
    wanted = tuple(bytes.fromhex(colour[1:]))
    columns = [x for x in range(172, 838) if any(found.getpixel((x, y)) == wanted for y in range(226, 492))]
    return sum(columns) / len(columns)


@pytest.mark.parametrize("name", ["", " ", "w" * 500, "机器", "آلة", "a\nb\0c", "<script>", "🦊", "é ñ µ × · – …"])
def test_no_name_is_too_long_or_too_foreign(name: str) -> None:
    series = [Series(name, style_for("jax"), [Point(1, 1)]), Series(name + name, style_for("torch"), [Point(2, 1e300)])]
    words = Words(name, note=name, marks=(name,), source=name, host=name)
    picture(Chart(SPECS["time-per-epoch"], series, "log", network_type=name, note=name), words)


def test_every_marker_can_be_drawn() -> None:
    assert len(colours(picture(chart(*SHAPED)))) > 50


def test_a_chart_without_points_leaves_its_words() -> None:
    assert picture(Chart(SPECS["time-per-epoch"], [], "log")).getcolors(WIDTH * HEIGHT) == picture().getcolors(
        WIDTH * HEIGHT
    )


@given(st.lists(st.sampled_from(["Theano", "tuned", "1 thread", "CPU"]), min_size=1, max_size=4), st.integers(2, 5))
def test_labels_lose_what_all_have_and_stay_apart(parts: list[str], count: int) -> None:
    labels = [" · ".join([f"number {number}", *parts]) for number in range(count)]
    assert without_shared_parts(labels) == [f"number {number}" for number in range(count)]


def test_labels_that_are_all_alike_stay_as_they_are() -> None:
    assert without_shared_parts(["JAX · tuned", "JAX · tuned"]) == ["JAX · tuned", "JAX · tuned"]
    assert without_shared_parts(["JAX · tuned"]) == ["JAX · tuned"]


@given(FINITE, FINITE)
def test_linear_ticks_hold_both_ends_in_few_even_steps(one: float, other: float) -> None:
    low, high = sorted((one, other))
    ticks = linear_ticks(low, high)
    steps = [after - before for before, after in pairwise(ticks)]
    slack = 1e-9 * max(abs(low), abs(high))
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert 2 <= len(ticks) <= 8
    assert all(isclose(step, steps[0], rel_tol=1e-6, abs_tol=slack) for step in steps)


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 1000)), min_size=2, max_size=6))
def test_a_dashed_line_is_drawn_for_its_share_of_the_way(places: list[tuple[float, float]]) -> None:
    way = sum(dist(*ends) for ends in pairwise(places))
    drawn = sum(dist(*piece) for piece in dashes(places, (6, 4)))
    assert way * 0.6 - 1e-6 <= drawn <= way * 0.6 + 6


def test_text_is_cut_where_there_is_no_room() -> None:
    picture = Canvas(400, 100)
    assert picture.text((0, 50), "w" * 100, 20, room=200) <= 200
    assert picture.text((0, 50), "short", 20, room=200) == picture.width_of("short", 20)


@given(st.text())
def test_what_is_drawn_has_a_place_for_each_character(words: str) -> None:
    assert len(drawable(words)) == len(words)
