"""The study's twenty figures."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from runs.study.published import published
from tests.runs.pages.reading import text
from tests.runs.site_rows import Site, seed_study, seed_threads

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def figure(client: Client, number: str, query: str = "") -> dict[str, Any]:
    sent: dict[str, Any] = client.get(reverse("chart", args=["figure"]) + f"?figure={number}{query}").json()
    return sent


def labels(sent: dict[str, Any]) -> list[str]:
    return [one["label"] for one in sent["data"]["datasets"]]


def test_all_twenty_figures_have_a_page_a_question_and_a_claim(client: Client, site: Site) -> None:
    seed_study(site)
    assert len(published().figures) == 20
    for number in published().figures:
        words = text(client, reverse("figure", args=[number.replace(".", "-")]))
        assert "?</p>" in words, number
        assert "/claims/" in words, number


def test_a_figure_shows_its_engines_and_depths_on_the_studys_scale(client: Client, site: Site) -> None:
    seed_study(site)
    sent = figure(client, "4-5")
    assert labels(sent) == [f"{engine} · {n} layers" for engine in ("Theano", "TensorFlow") for n in (8, 16)]
    assert sent["options"]["scales"]["y"]["type"] == "logarithmic"
    assert figure(client, "4-15")["options"]["scales"]["y"]["type"] == "linear"


def test_all_engines_join_a_figure_when_asked(client: Client, site: Site) -> None:
    seed_study(site)
    assert len(labels(figure(client, "4-5", "&engines=all"))) == 8


def test_the_studys_greys_keep_markers_and_dashes(client: Client, site: Site) -> None:
    seed_study(site)
    colours, greys = (figure(client, "4-6", query)["data"]["datasets"] for query in ("", "&look=study"))
    assert [one["hue"] for one in greys] == ["study-shallow", "study-deep"] * 2
    for kept in ("pointStyle", "borderDash", "filled", "data"):
        assert [one[kept] for one in greys] == [one[kept] for one in colours]


def test_a_thread_figure_has_a_series_for_each_count(client: Client, site: Site) -> None:
    seed_study(site)
    seed_threads(site)
    sent = figure(client, "4-9")
    assert labels(sent) == ["1 CPU thread", *(f"{n} CPU threads" for n in (2, 4, 8, 16))]
    assert len({(one["hue"], one["pointStyle"]) for one in sent["data"]["datasets"]}) == 5


def test_a_figure_without_runs_says_what_to_type(client: Client) -> None:
    assert "python manage.py runbench --suite study --devices gpu" in text(client, reverse("figure", args=["4-1"]))


def test_there_is_no_figure_4_21(client: Client) -> None:
    assert client.get(reverse("figure", args=["4-21"])).status_code == 404


@pytest.mark.parametrize("number", ["4-9", "4-10", "4-19", "4-20"])
def test_a_figure_by_threads_is_read_over_threads_as_well(client: Client, site: Site, number: str) -> None:
    seed_study(site)
    seed_threads(site)
    page = reverse("figure", args=[number])
    assert "over=threads" in text(client, page)
    sent = client.get(reverse("chart", args=["figure"]) + f"?figure={number}&over=threads").json()
    first = sent["data"]["datasets"][0]
    assert "width" in first["label"]
    assert [point["x"] for point in first["data"]] == [1, 2, 4, 8, 16]
    other = client.get(reverse("chart", args=["figure"]) + f"?figure={number}").json()["data"]["datasets"][0]
    assert "CPU thread" in other["label"]
    assert "over=threads" not in text(client, reverse("figure", args=["4-5"]))
