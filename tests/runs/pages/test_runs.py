"""A run, the lists of runs, and what the owner of a machine may do with one."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from engines.run_record import RunRecord
from runs.models import Run, Summary
from runs.services.recording import record_runs
from tests.records import make_record
from tests.runs.pages.reading import text
from tests.runs.site_rows import Site, make_workload, run_record, seed_study

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_a_run_shows_its_record(client: Client, site: Site) -> None:
    run = site.run("keras-tensorflow", make_workload("mlp", 8, 100), epoch_seconds=0.51234)
    words = text(client, run.get_absolute_url())
    for shown in (
        "0.512 s",
        "python -m engines.worker --engine keras-tensorflow",
        "79.3 %",
        "AMD EPYC 7313",
        "Compiling",
    ):
        assert shown in words
    epochs = client.get(reverse("chart", args=["epochs"]) + f"?run={run.run_id}").json()
    assert len(epochs["data"]["datasets"][0]["data"]) == 10


def test_a_run_that_failed_shows_why(client: Client, site: Site) -> None:
    record = run_record("theano", None) | {"stderr_tail": "Segmentation fault"}
    run = site.run(
        "theano", make_workload("mlp", 8, 100), status="crashed", reason="It ended by signal 11.", record=record
    )
    words = text(client, run.get_absolute_url())
    for shown in ("crashed", "It ended by signal 11.", "Segmentation fault"):
        assert shown in words
    assert "<canvas" not in words


def test_a_list_of_runs_says_why_one_has_no_time(client: Client, site: Site) -> None:
    reason = "The worker was killed by signal 11 (SIGSEGV)."
    site.missing("theano", make_workload("mlp", 8, 25), status="crashed", reason=reason)
    site.missing("tensorflow", make_workload("mlp", 8, 25), status="crashed", reason="x" * 500)
    page = text(client, reverse("runs"))
    assert f"<small>{reason}</small>" in page
    assert f"<small>{'x' * 89}…</small>" in page


def test_a_run_with_a_bare_record_is_shown_all_the_same(client: Client, site: Site) -> None:
    run = site.run("theano", make_workload("mlp", 8, 100), record={})
    assert "not recorded" in text(client, run.get_absolute_url())


def test_runs_are_filtered_by_their_address(client: Client, site: Site) -> None:
    workload = make_workload("mlp", 8, 100)
    site.run("theano", workload)
    site.run("tensorflow", workload, status="timed_out", reason="It was stopped.")
    words = text(client, reverse("runs") + "?status=timed_out")
    table = words[words.index("<tbody>") :]
    assert "timed out" in table
    assert ">Theano<" not in table


def test_the_run_with_the_largest_time_comes_first_when_asked(client: Client, site: Site) -> None:
    seed_study(site)
    slowest = Run.objects.filter(seconds__isnull=False).order_by("-seconds")[0]
    words = text(client, reverse("runs") + "?sort=-seconds")
    assert words.index(slowest.get_absolute_url()) < words.index("</tr>", words.index("<tbody>"))


def test_the_longest_run_comes_first_when_asked_whatever_came_of_it(client: Client) -> None:
    def lasted(seconds: int, **changes: Any) -> RunRecord:
        return make_record(finished_at=f"2026-11-24T08:00:{seconds}+00:00", **changes)

    record_runs(records=[lasted(20), lasted(50, status="crashed", block=1), lasted(30, block=2)])
    for sort, order in (("-lasted", [50.0, 30.0, 20.0]), ("lasted", [20.0, 30.0, 50.0])):
        page = client.get(reverse("runs"), {"sort": sort})
        assert [run.lasted_seconds for run in page.context["page"].runs] == order
    assert "Whole process" in page.content.decode()


def test_a_list_says_how_many_runs_there_are_where_that_is_counted(client: Client, site: Site) -> None:
    for width in (25, 50):
        site.cell("theano", make_workload("mlp", 8, width), seconds=1)
    site.cell("tensorflow", make_workload("mlp", 8, 25), seconds=1)
    for query, wanted in (
        ({}, 9),
        ({"engine": "theano"}, 6),
        ({"engine": "theano", "experiment": site.experiment.slug, "machine": str(site.machine.pk)}, 6),
        ({"engine": "none"}, 0),
        ({"device": "cpu"}, None),
        ({"machine": "x"}, None),
    ):
        assert client.get(reverse("runs"), query).context["total"] == wanted, query


def test_the_owner_of_a_machine_excludes_a_run_and_restores_it(
    client: Client, admin_client: Client, site: Site
) -> None:
    summary = site.cell("theano", make_workload("mlp", 8, 25), seconds=1)
    run = Run.objects.all()[0]
    act = reverse("exclusion", args=[run.run_id])
    assert client.post(act, {"act": "exclude", "reason": "no"}).status_code == 302
    assert not Run.objects.get(pk=run.pk).is_excluded
    assert admin_client.post(act, {"act": "exclude", "reason": ""}).status_code == 400
    assert admin_client.post(act, {"act": "exclude", "reason": "The fan stood still."}).status_code == 302
    assert "The fan stood still." in text(client, run.get_absolute_url())
    assert len(Summary.objects.get(pk=summary.pk).samples) == 2
    admin_client.post(act, {"act": "restore", "reason": "It did not."})
    assert not Run.objects.get(pk=run.pk).is_excluded
