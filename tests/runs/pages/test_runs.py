"""A run, the lists of runs, and what the owner of a machine may do with one."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from runs.models import Run, Summary
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
