"""An engine's page: what the gate said of each of its tracks."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from runs.models import Environment
from runs.selectors.runs import newest_run_in_each
from tests.runs.site_rows import Site, make_workload, run_record

pytestmark = pytest.mark.django_db


@pytest.fixture
def environment() -> Environment:
    """One in which the idiomatic track passed the gate and the tuned one failed, each run twice."""
    site = Site(blocks=2)
    workload = make_workload("mlp", 8, 100)
    site.cell("theano", workload, seconds=1)
    summary = site.missing("theano", workload, status="crashed", reason="Later.", track="tuned")
    for track, verdict in (("idiomatic", "passed"), ("tuned", "failed")):
        site.run("theano", workload, track=track, record={**run_record("theano", 1.0), "equivalence": verdict})
    return Environment.objects.get(pk=summary.environment_id)


def test_each_track_shows_its_own_newest_verdict(client: Client, environment: Environment) -> None:
    page = client.get(reverse("engine", args=["theano"])).content.decode()
    rows = [re.sub(r"<[^>]+>|\s+", " ", row) for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)]
    verdicts = [(row.split().count("tuned"), "failed" in row) for row in rows if "passed" in row or "failed" in row]
    assert (0, False) in verdicts
    assert (1, True) in verdicts


def test_the_newest_runs_of_all_tracks_are_read_at_once(
    environment: Environment, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2):
        found = newest_run_in_each("theano", [environment])
    assert [(each.run.track, each.run.record["equivalence"]) for each in found] == [
        ("idiomatic", "passed"),
        ("tuned", "failed"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("slug", "queries"), [("keras-theano", 16), ("torch", 12)])
def test_an_engine_in_many_environments_asks_no_more_of_the_database(
    client: Client, slug: str, queries: int, django_assert_max_num_queries: Any
) -> None:
    """A few more for an engine with runs in both tracks."""
    call_command("seedruns", runs=2000, seed=1, verbosity=0)
    with django_assert_max_num_queries(queries):
        assert client.get(reverse("engine", args=[slug])).status_code == 200
