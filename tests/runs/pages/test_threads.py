"""Thread scaling."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from runs.models import Run
from tests.runs.pages.reading import text
from tests.runs.site_rows import Site, make_workload, seed_study

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_speed_up_and_efficiency_stand_beside_the_ideal_and_the_study(client: Client, site: Site) -> None:
    workload = make_workload("mlp", 8, 200)
    for threads, seconds in ((1, 1.0), (2, 0.625), (8, 0.5)):
        site.cell("theano", workload, seconds=seconds, threads=threads)
    speed_up = client.get(reverse("chart", args=["threads-speed-up"])).json()
    measured, ideal, study = speed_up["data"]["datasets"]
    assert [round(at["y"], 2) for at in measured["data"]] == [1, 1.6, 2]
    assert [at["y"] for at in ideal["data"]] == [1, 2, 8]
    assert [(at["x"], at["y"]) for at in study["data"]] == [(8, 1.81)]
    efficiency = client.get(reverse("chart", args=["threads-efficiency"])).json()
    assert [round(at["y"]) for at in efficiency["data"]["datasets"][0]["data"]] == [100, 80, 25]


def test_the_physical_cores_are_marked_where_the_axis_reaches_them(client: Client, site: Site) -> None:
    for threads in (1, 16):
        site.cell("theano", make_workload("mlp", 8, 200), seconds=1, threads=threads)
    (mark,) = client.get(reverse("chart", args=["threads-time"])).json()["options"]["verticals"]
    assert (mark["x"], mark["label"]) == (16, "16 physical cores")


def test_a_run_that_used_more_threads_than_it_was_given_is_marked(client: Client, site: Site) -> None:
    workload = make_workload("mlp", 8, 200)
    for threads in (1, 2):
        site.cell("theano", workload, seconds=1, threads=threads)
    for run in Run.objects.filter(threads=1):
        record = run.record
        record["training"]["threads_observed"] = 3.9
        run.record = record
        run.save()
    words = text(client, reverse("threads"))
    assert "It was given 1 CPU thread and used up to 3.90." in words


def test_one_thread_count_is_no_scaling(client: Client, site: Site) -> None:
    seed_study(site)
    assert "One thread count only" in text(client, reverse("threads"))


def test_the_study_s_best_case_stands_only_beside_networks_that_it_was_said_of(client: Client, site: Site) -> None:
    for threads in (1, 2, 8):
        for width in (25, 200):
            site.cell("theano", make_workload("mlp", 8, width), seconds=1 / threads, threads=threads)
    for width, is_there in ((25, False), (200, True)):
        sent = client.get(reverse("chart", args=["threads-speed-up"]) + f"?network=mlp-8x{width}").json()
        labels = [series["label"] for series in sent["data"]["datasets"]]
        assert any("Study, 2017" in label for label in labels) is is_there
