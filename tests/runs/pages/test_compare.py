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
    assert [(group.title, group.workloads) for group in groups] == [("MLPs", 2), ("CNNs", 1)]


def test_of_many_workloads_the_largest_differences_are_drawn(client: Client, site: Site) -> None:
    for width in range(1, 14):
        site.cell("theano", make_workload("mlp", 8, width), seconds=1)
        site.cell("tensorflow", make_workload("mlp", 8, width), seconds=1 + width / 2)
    answer = client.get(reverse("compare") + "?a_engine=theano&b_engine=tensorflow")
    drawn = [pairing.row.width for pairing in answer.context["found"].most_different]
    assert drawn == list(range(13, 3, -1))
    assert "The 10 largest differences; all are below." in answer.content.decode()


# ---------------------------------------------------------------- more than two


def three_engines(site: Site) -> None:
    for engine, seconds in (("theano", 1.0), ("tensorflow", 2.0), ("jax", 4.0)):
        for width in (25, 50):
            site.cell(engine, make_workload("mlp", 8, width), seconds=seconds)


THREE = "?a_engine=theano&b_engine=tensorflow&c_engine=jax"


def test_each_further_side_is_held_against_the_first(client: Client, site: Site) -> None:
    three_engines(site)
    rows = csv_table(client, "compare", THREE)
    assert [row["network"] for row in rows] == ["MLP 8x25", "MLP 8x25", "MLP 8x50", "MLP 8x50"]
    found = {(row["side"], row["network"]): (row["engine"], float(row["ratio"])) for row in rows}
    assert set(found) == {(side, network) for side in "BC" for network in ("MLP 8x25", "MLP 8x50")}
    for (side, _network), (engine, ratio) in found.items():
        assert engine == {"B": "tensorflow", "C": "jax"}[side]
        assert ratio == pytest.approx({"B": 2, "C": 4}[side], rel=0.03)
    words = text(client, reverse("compare") + THREE)
    assert "Geometric mean of B over A" in words
    assert "Geometric mean of C over A" in words
    (group,) = client.get(reverse("compare") + THREE).context["groups"]
    assert group.mean.startswith("B: 1.98×")
    assert ", C: 3.97×" in group.mean


def test_a_further_side_changes_nothing_of_the_other_two(client: Client, site: Site) -> None:
    three_engines(site)
    two = csv_table(client, "compare", "?a_engine=theano&b_engine=tensorflow")
    three = csv_table(client, "compare", THREE)
    assert two == [
        {name: value for name, value in row.items() if name != "side"} for row in three if row["side"] == "B"
    ]


def test_a_further_side_can_be_another_machine_of_its_own_cells(client: Client, site: Site) -> None:
    workload = make_workload("mlp", 8, 25)
    others = [Site(blocks=3, experiment=site.experiment, machine=make_machine(name)) for name in ("bench-2", "bench-3")]
    for place, each in enumerate((site, *others)):
        each.cell("theano", workload, seconds=1 + place)
    machines = "&".join(
        f"{letter}_machine={each.machine.pk}" for letter, each in zip("abc", (site, *others), strict=True)
    )
    rows = csv_table(client, "compare", f"?{machines}&a_engine=theano")
    assert [row["side"] for row in rows] == ["B", "C"]
    assert [float(row["ratio"]) for row in rows] == [pytest.approx(2, rel=0.03), pytest.approx(3, rel=0.03)]


def test_a_further_side_of_another_batch_size_is_listed_and_not_compared(client: Client, site: Site) -> None:
    workload = make_workload("mlp", 8, 25)
    site.cell("theano", workload, seconds=1)
    site.cell("tensorflow", workload, seconds=2)
    site.cell("jax", make_workload("mlp", 8, 25, batch_size=50), seconds=4)
    assert [row["side"] for row in csv_table(client, "compare", THREE)] == ["B"]
    answer = client.get(reverse("compare") + THREE)
    assert [pairing.letter for pairing in answer.context["found"].missing if pairing.letter == "C"]
    assert [pairing.letter for pairing in answer.context["found"].common] == ["B"]


def test_a_side_is_added_and_removed_by_its_address(client: Client, site: Site) -> None:
    three_engines(site)
    found = client.get(reverse("compare")).context["found"]
    sides = [(side.mark, side.engine) for side in found.sides]
    more = client.get(f"{reverse('compare')}?{found.one_more}").context["found"]
    assert [(side.mark, side.engine) for side in more.sides][:2] == sides
    assert {side.engine for side in more.sides} == {"theano", "tensorflow", "jax"}
    (*_kept, (last, _selects, without)) = more.choices
    assert last.mark == "C"
    fewer = client.get(f"{reverse('compare')}?{without}").context["found"]
    assert [(side.mark, side.engine) for side in fewer.sides] == sides


def test_where_a_side_is_removed_the_later_ones_move_up(client: Client, site: Site) -> None:
    three_engines(site)
    found = client.get(f"{reverse('compare')}{THREE}&d_engine=theano").context["found"]
    without_c = found.choices[2][2]
    left = client.get(f"{reverse('compare')}?{without_c}").context["found"]
    assert [side.engine for side in left.sides] == ["theano", "tensorflow", "theano"]


def test_there_are_six_sides_at_most(client: Client, site: Site) -> None:
    three_engines(site)
    query = "&".join(f"{letter}_engine=theano" for letter in "abcdefghij")
    found = client.get(f"{reverse('compare')}?{query}").context["found"]
    assert [side.mark for side in found.sides] == list("ABCDEF")
    assert not found.one_more


def test_two_sides_change_places(client: Client, site: Site) -> None:
    three_engines(site)
    found = client.get(reverse("compare") + THREE).context["found"]
    swapped = client.get(f"{reverse('compare')}?{found.swapped}").context["found"]
    assert [side.engine for side in swapped.sides] == ["tensorflow", "theano", "jax"]


def test_a_row_names_its_side_where_the_other_sides_have_nothing(client: Client, site: Site) -> None:
    workload = make_workload("mlp", 8, 25)
    for engine in ("theano", "tensorflow"):
        site.cell(engine, workload, seconds=1)
    site.cell("jax", workload, seconds=1, track="tuned")
    found = client.get(f"{reverse('compare')}{THREE}&a_track=tuned").context["found"]
    assert [pairing.letter for pairing in found.missing] == ["C"]
    assert "Side" in [column.title for column in found.missing_table.columns]
