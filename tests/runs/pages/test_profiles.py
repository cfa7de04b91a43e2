"""Profiles on pages: of a run's cell on its page, and of both sides of a comparison beside each other."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from engines.run_record import Code
from runs.charts.bars import bars
from runs.models import Run
from tests.runs.profiles import make_profile, store_profile
from tests.runs.site_rows import Site, make_workload, run_record

pytestmark = pytest.mark.django_db


VALUES = st.lists(st.floats(min_value=0, max_value=1e6, allow_subnormal=False), max_size=20)


@given(VALUES)
def test_bars_fit_their_plot_and_the_largest_fills_it(values: list[float]) -> None:
    drawn = [float(bar.width.removesuffix("%")) for bar in bars([("op", value, "") for value in values])]
    assert all(0 <= width <= 100 for width in drawn)
    if any(values):
        assert max(drawn) == 100
        assert drawn.index(100) == values.index(max(values)) or drawn.count(100) > 1


def test_bars_on_a_common_scale_are_shares_of_its_longest() -> None:
    assert [bar.width for bar in bars([("a", 1.0, ""), ("b", 0.5, "")], longest=4.0)] == ["25.00%", "12.50%"]


# ---------------------------------------------------------------- a run's page


def run_of(engine: str = "tensorflow", **columns: Any) -> Run:
    record = run_record(engine, 0.435)
    record["training"]["steps_per_epoch"] = 435
    record["code"]["engine_sha256"] = "a" * 32
    return Site().run(engine, make_workload("mlp", 8, 25), epoch_seconds=0.435, record=record, **columns)


def page(client: Client, run: Run) -> str:
    answer = client.get(run.get_absolute_url())
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_run_page_draws_its_cells_profile_and_says_that_it_is_one(client: Client) -> None:
    run = run_of()
    store_profile(run)
    shown = page(client, run)
    assert "Where the time goes" in shown
    assert "a profile, not a timing" in shown
    assert 'class="bar hue-tensorflow" width="50.00%"' in shown  # Relu: half of MatMul
    assert "60.0 %" in shown
    assert "Operations took 1.00 ms a step, and the whole step took 1.50 ms." in shown
    assert "Seen by tf.profiler 2.21.0 over 100 steps on 24 Nov 2026" in shown
    assert "A step took 1.50× as long as it does in this run." in shown
    assert "has changed between the two" not in shown


@pytest.mark.parametrize(("wall_seconds", "has_rest"), [(0.15, True), (0.06, False)])
def test_the_rest_of_a_step_is_told_where_there_is_one(client: Client, wall_seconds: float, has_rest: bool) -> None:
    """Operations of two threads may take longer in all than the step did."""
    run = run_of()
    store_profile(run, profile=dataclasses.replace(make_profile().profile, wall_seconds=wall_seconds))
    assert ("The rest was spent outside" in page(client, run)) == has_rest


def test_a_run_page_without_a_profile_says_nothing_of_it(client: Client) -> None:
    assert "Where the time goes" not in page(client, run_of())


def test_another_cells_profile_is_not_shown(client: Client) -> None:
    run = run_of(threads=2)
    run.threads = 1
    store_profile(run)
    assert "Where the time goes" not in page(client, run)


def test_a_profile_of_other_code_is_marked(client: Client) -> None:
    run = run_of()
    store_profile(run, code=Code("0.1.0", "0" * 40, dirty=False, engine_sha256="b" * 32))
    assert "has changed between the two" in page(client, run)


def test_an_operations_name_is_text_and_never_markup(client: Client) -> None:
    run, record = run_of(), make_profile()
    first, *rest = record.profile.operations
    renamed = dataclasses.replace(first, name='<b class="x">dot')
    store_profile(run, profile=dataclasses.replace(record.profile, operations=(renamed, *rest)))
    shown = page(client, run)
    assert "<b class=" not in shown
    assert "&lt;b class=" in shown


def test_a_profile_is_told_in_spanish(client: Client) -> None:
    run = run_of()
    store_profile(run)
    client.cookies["django_language"] = "es"
    shown = page(client, run)
    assert "En qué se va el tiempo" in shown
    assert "un perfil, no una medida" in shown


# ---------------------------------------------------------------- two sides


def compared(client: Client, **query: str) -> str:
    answer = client.get(reverse("compare"), {"a_engine": "tensorflow", "b_engine": "theano", **query})
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def site() -> Site:
    site = Site()
    for width in (25, 200):
        for engine, seconds in (("tensorflow", 0.2), ("theano", 0.3)):
            site.cell(engine, make_workload("mlp", 8, width), seconds=seconds)
    return site


def runs_of(width: int) -> dict[str, Run]:
    found = Run.objects.with_everything().filter(workload__width=width, block=0)
    return {run.engine: run for run in found}


def test_two_sides_profiles_stand_beside_each_other_on_one_scale(client: Client, site: Site) -> None:
    slower = dataclasses.replace(make_profile().profile, steps=50)  # the same seconds in half the steps
    store_profile(runs_of(25)["tensorflow"])
    store_profile(runs_of(25)["theano"], profile=slower)
    shown = compared(client)
    assert "A: TensorFlow" in shown
    assert "B: Theano" in shown
    assert 'hue-theano" width="100.00%"' in shown
    assert 'hue-tensorflow" width="50.00%"' in shown
    assert "profiles, not timings" in shown


def test_the_page_says_what_the_slower_side_spends_its_time_on(client: Client, site: Site) -> None:
    store_profile(runs_of(25)["tensorflow"])
    store_profile(runs_of(25)["theano"], profile=dataclasses.replace(make_profile().profile, wall_seconds=0.45))
    shown = compared(client)
    assert "What B spends most of its additional time on, by the profiles: outside operations, 3.00 ms a step" in shown
    assert "What A spends most" in compared(client, a_engine="theano", b_engine="tensorflow")


def test_what_no_verdict_tells_apart_is_not_explained(client: Client) -> None:
    site = Site()
    for engine in ("tensorflow", "theano"):
        site.cell(engine, make_workload("mlp", 8, 25), seconds=0.2)
    store_profile(runs_of(25)["tensorflow"])
    store_profile(runs_of(25)["theano"], profile=dataclasses.replace(make_profile().profile, wall_seconds=0.45))
    shown = compared(client)
    assert "A step by what its operations are for" in shown
    assert "additional time" not in shown


def test_one_sides_profile_alone_is_not_shown(client: Client, site: Site) -> None:
    store_profile(runs_of(25)["tensorflow"])
    store_profile(runs_of(200)["theano"])
    assert "Where the time goes" not in compared(client)


def test_the_largest_workload_is_shown_and_the_others_can_be_chosen(client: Client, site: Site) -> None:
    small = [store_profile(runs_of(25)[engine]) for engine in ("tensorflow", "theano")]
    for engine in ("tensorflow", "theano"):
        store_profile(runs_of(200)[engine])
    assert "Where the time goes: MLP 8×200" in compared(client)
    assert "Where the time goes: MLP 8×25" in compared(client, profile=f"{small[0].pk}-{small[1].pk}")
    assert "Where the time goes: MLP 8×200" in compared(client, profile="no-such")


def test_both_tracks_of_one_engine_are_told_apart(client: Client, site: Site) -> None:
    site.cell("tensorflow", make_workload("mlp", 8, 25), seconds=0.1, track="tuned")
    for track in ("idiomatic", "tuned"):
        store_profile(Run.objects.with_everything().filter(engine="tensorflow", track=track).order_by("pk")[0])
    shown = compared(client, b_engine="tensorflow", a_track="idiomatic", b_track="tuned")
    assert "A: TensorFlow</h3>" in shown
    assert "B: TensorFlow · tuned</h3>" in shown


def test_a_side_compared_with_itself_has_no_second_profile(client: Client, site: Site) -> None:
    store_profile(runs_of(25)["tensorflow"])
    assert "Where the time goes" not in compared(client, b_engine="tensorflow")
