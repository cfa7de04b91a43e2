"""The first page and the recommendation."""

from __future__ import annotations

import re

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from runs.models import Run
from tests.runs.pages.reading import text
from tests.runs.site_rows import Site, make_workload, seed_study

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_the_published_recommendation_stands_beside_the_measured_one(client: Client, site: Site) -> None:
    call_command("loadstudy", verbosity=0)
    seed_study(site)
    words = re.sub(r"<[^>]+>|\s+", " ", text(client, reverse("recommendation")))
    row = re.search(
        r"MLP on the CPU +TensorFlow or Keras · Theano +Keras · TensorFlow or TensorFlow", re.sub(" +", " ", words)
    )
    assert row


def test_home_shows_verdicts_reasons_and_counts(client: Client, site: Site) -> None:
    seed_study(site)
    words = text(client, reverse("home"))
    for verdict in ("best", "tie", "slower", "timed out", "unsupported"):
        assert f">{verdict}</span>" in words
    assert "There is no GPU build of Theano" in words
    assert f">{Run.objects.count()}<" in words


def test_two_runs_give_no_verdict(client: Client) -> None:
    site = Site(blocks=2)
    for engine in ("theano", "tensorflow"):
        site.cell(engine, make_workload("mlp", 8, 100), seconds=1)
    words = text(client, reverse("explore"))
    assert "not enough runs" in words
    assert ">best<" not in words
    assert ">tie<" not in words


def test_synthetic_data_are_named_wherever_they_appear(client: Client, site: Site) -> None:
    site.cell("theano", make_workload("cnn", 1, 2, data_source="synthetic"), seconds=1)
    run = Run.objects.get(block=0)
    for url in (
        reverse("home"),
        reverse("explore"),
        reverse("runs"),
        run.get_absolute_url(),
        reverse("recommendation"),
    ):
        assert "synthetic" in text(client, url), url
    sent = client.get(reverse("chart", args=["time-per-epoch"])).json()
    assert sent["options"]["marks"] == ["synthetic data"]


def test_home_begins_with_what_was_tried_and_says_what_measures_the_rest(client: Client, site: Site) -> None:
    for engine in ("theano", "tensorflow"):
        site.cell(engine, make_workload("cnn", 2, 8), seconds=1)
    answers = [answer for answer, _forest in client.get(reverse("home")).context["answers"]]
    assert [answer.slug for answer in answers] == ["cnn_cpu", "mlp_cpu", "mlp_gpu", "cnn_gpu"]
    assert "python manage.py runbench --networks mlp --devices gpu" in text(client, reverse("home"))
