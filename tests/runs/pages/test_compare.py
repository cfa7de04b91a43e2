"""Two sides."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.runs.pages.reading import csv_table, text
from tests.runs.site_rows import Site, make_machine, make_workload

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_the_ratio_of_two_engines_and_their_mean(client: Client, site: Site) -> None:
    for width, seconds in ((25, 1.0), (50, 4.0)):
        site.cell("theano", make_workload("mlp", 8, width), seconds=seconds)
        site.cell("tensorflow", make_workload("mlp", 8, width), seconds=seconds / 2)
    query = "?a_engine=theano&b_engine=tensorflow"
    ratios = [float(row["ratio"]) for row in csv_table(client, "compare", query)]
    assert ratios == [pytest.approx(0.5, rel=0.03)] * 2
    words = text(client, reverse("compare") + query)
    assert "faster" in words
    assert "0.50" in words or "0.49" in words


def test_what_one_side_lacks_is_listed_and_not_averaged(client: Client, site: Site) -> None:
    both, lacking = make_workload("mlp", 8, 25), make_workload("mlp", 8, 50)
    for engine in ("theano", "tensorflow"):
        site.cell(engine, both, seconds=1)
    site.cell("theano", lacking, seconds=1)
    site.missing("tensorflow", lacking, status="out_of_memory", reason="It asked for 9 GiB.")
    query = "?a_engine=theano&b_engine=tensorflow"
    assert len(csv_table(client, "compare", query)) == 1
    words = text(client, reverse("compare") + query)
    assert "It asked for 9 GiB." in words
    assert "Over the 1 workload that both sides have" in words


def test_two_machines_are_compared_like_with_like(client: Client, site: Site) -> None:
    workload = make_workload("mlp", 8, 25)
    other = Site(blocks=3, experiment=site.experiment, machine=make_machine("bench-2"))
    for engine in ("theano", "tensorflow"):
        site.cell(engine, workload, seconds=1)
        other.cell(engine, workload, seconds=2)
    a, b = site.machine.pk, other.machine.pk
    rows = csv_table(client, "compare", f"?a_machine={a}&b_machine={b}&a_engine=&b_engine=")
    assert sorted(row["engine"] for row in rows) == ["tensorflow", "theano"]
    assert all(float(row["ratio"]) == pytest.approx(2, rel=0.03) for row in rows)


def test_both_sides_are_narrowed_to_a_family_or_to_one_network(client: Client, site: Site) -> None:
    for workload in (make_workload("mlp", 8, 25), make_workload("mlp", 8, 50), make_workload("cnn", 2, 8)):
        for engine in ("theano", "tensorflow"):
            site.cell(engine, workload, seconds=1)
    sides = "?a_engine=theano&b_engine=tensorflow"
    for wished, networks in (
        ("", {"MLP 8x25", "MLP 8x50", "CNN 2x8"}),
        ("mlp", {"MLP 8x25", "MLP 8x50"}),
        ("mlp-8x50", {"MLP 8x50"}),
    ):
        rows = csv_table(client, "compare", f"{sides}&network={wished}")
        assert {row["network"] for row in rows} == networks
    groups = client.get(reverse("compare") + sides).context["groups"]
    assert [(group.title, len(group.table.rows)) for group in groups] == [("MLPs", 2), ("CNNs", 1)]


def test_of_many_workloads_the_largest_differences_are_drawn(client: Client, site: Site) -> None:
    for width in range(1, 14):
        site.cell("theano", make_workload("mlp", 8, width), seconds=1)
        site.cell("tensorflow", make_workload("mlp", 8, width), seconds=1 + width / 2)
    answer = client.get(reverse("compare") + "?a_engine=theano&b_engine=tensorflow")
    drawn = [pairing.row.width for pairing in answer.context["found"].most_different]
    assert drawn == list(range(13, 3, -1))
    assert "The 10 largest differences; all are below." in answer.content.decode()
