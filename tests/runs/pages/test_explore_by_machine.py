"""Explore's charts machine by machine: each of its own machine alone, of what was picked, and of nothing else."""

from __future__ import annotations

import dataclasses
import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from engines.contract import Cell, Network, Optimizer
from engines.run_record import Environment, Machine, RunRecord
from runs.models import Machine as StoredMachine
from runs.services.recording import record_runs
from tests.records import ENVIRONMENT, MACHINE, SHUTTLE, make_cell, make_record
from tests.runs.pages.reading import chart, csv_table, text

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
SMALL, LARGE = Network("mlp", 8, 25), Network("mlp", 8, 200)


def named(name: str) -> Machine:
    return dataclasses.replace(MACHINE, name=name, fingerprint=(name * 32)[:32])


def run(machine: str, seconds: float, engine: str = "jax", network: Network = SMALL, **changes: Any) -> RunRecord:
    environment = changes.pop("environment", ENVIRONMENT)
    cell = make_cell(engine, network, **changes)
    return make_record(cell=cell, epoch_seconds=seconds, machine=named(machine), environment=environment)


def by_machine(client: Client, query: str = "") -> dict[str, dict[str, Any]]:
    """Machine -> the JSON of its chart, as the page asks for it."""
    body = text(client, f"{reverse('explore')}?panels=machines{query}")
    found = {}
    for figure in re.findall(r'<figure class="chart.*?</figure>', body, re.DOTALL):
        address = unescape(re.findall(r'data-chart="([^"]*)"', figure)[0])
        pk = parse_qs(urlsplit(address).query)["machine"][0]
        name = StoredMachine.objects.get(pk=pk).name
        assert f"Machine: {name}" in figure
        (source,) = re.findall(r'data-source="([^"]*)"', figure)
        assert name in source, "a saved picture names the machine that it is of"
        found[name] = client.get(address).json()
    return found


def points(sent: dict[str, Any]) -> dict[str, list[tuple[float, float]]]:
    return {
        each["label"]: [(point["x"], round(point["y"], 9)) for point in each["data"]]
        for each in sent["data"]["datasets"]
    }


def test_each_chart_has_the_times_of_its_machine_alone(client: Client) -> None:
    record_runs(records=[run("a", 0.2), run("a", 0.4, network=LARGE), run("b", 2.0), run("b", 4.0, network=LARGE)])
    found = by_machine(client)
    assert {name: points(sent) for name, sent in found.items()} == {
        "a": {"JAX · 8 layers": [(25, 0.2), (200, 0.4)]},
        "b": {"JAX · 8 layers": [(25, 2.0), (200, 4.0)]},
    }
    scales = [sent["options"]["scales"]["y"] for sent in found.values()]
    assert scales[0]["min"] <= 0.2
    assert scales[0]["max"] >= 4.0
    assert scales[0] == scales[1]


def worked(**changes: Any) -> Cell:
    cell = make_cell("jax", SMALL)
    return dataclasses.replace(cell, workload=dataclasses.replace(cell.workload, **changes))


@pytest.mark.parametrize(
    "unlike",
    [
        make_cell("jax", SMALL, threads=2),
        make_cell("jax", SMALL, track="tuned"),
        make_cell("jax", SMALL, device="gpu"),
        worked(batch_size=50),
        worked(optimizer=Optimizer("adam", 0.001)),
        worked(replicas=2),
        worked(dataset=dataclasses.replace(SHUTTLE, train_samples=1000)),
    ],
    ids=["threads", "track", "device", "batch", "optimizer", "replicas", "data"],
)
def test_what_is_not_alike_is_not_drawn_in_its_place(client: Client, unlike: Cell) -> None:
    """Other machines have more of it, so that a reader who picked nothing would be shown that there."""
    wide = dataclasses.replace(unlike, workload=dataclasses.replace(unlike.workload, network=LARGE))
    record_runs(records=[make_record(cell=each, machine=named("b"), epoch_seconds=9.0) for each in (unlike, wide)])
    record_runs(records=[run("b", 2.0), run("c", 3.0)])
    record_runs(records=[make_record(cell=unlike, machine=named("c"), epoch_seconds=9.0)])
    record_runs(records=[run("a", 0.2), run("a", 0.4, network=LARGE)])
    machine = StoredMachine.objects.get(name="a")
    found = by_machine(client, f"&machine={machine.pk}")
    assert next(iter(found)) == "a"
    drawn = {name: [y for line in points(sent).values() for _x, y in line] for name, sent in found.items()}
    assert drawn == {"a": [0.2, 0.4], "b": [2.0], "c": [3.0]}


def test_a_machine_that_has_none_of_it_is_left_out(client: Client) -> None:
    record_runs(records=[run("b", 5.0, threads=8), run("a", 0.2)])
    machine = StoredMachine.objects.get(name="a")
    assert list(by_machine(client, f"&machine={machine.pk}")) == ["a"]


def test_each_machine_has_its_own_newest_release_of_an_engine(client: Client) -> None:
    old, new = (
        Environment("jax", number * 32, "locked", python="CPython 3.11.7", packages={"jax": f"0.{number}.0"})
        for number in "12"
    )
    record_runs(
        records=[run("a", 1.0, environment=old), run("a", 2.0, environment=new), run("b", 3.0, environment=old)]
    )
    found = by_machine(client)
    assert {name: [*points(sent).values()] for name, sent in found.items()} == {"a": [[(25, 2.0)]], "b": [[(25, 3.0)]]}


def test_engines_that_a_reader_took_away_are_in_no_chart(client: Client) -> None:
    record_runs(records=[run(machine, 1.0, engine) for machine in "ab" for engine in ("jax", "torch", "theano")])
    for sent in by_machine(client, "&engine=jax&engine=torch").values():
        assert len(points(sent)) == 2
    assert all(len(points(sent)) == 3 for sent in by_machine(client).values())


def test_all_threads_are_drawn_where_they_lie_along_x(client: Client) -> None:
    record_runs(records=[run("a", 1.0, threads=threads) for threads in (1, 2)])
    record_runs(records=[run("b", 1.0, threads=threads) for threads in (1, 2, 16)])
    found = by_machine(client, "&x=threads")
    xs = {name: [x for line in points(sent).values() for x, _y in line] for name, sent in found.items()}
    assert xs == {"a": [1, 2], "b": [1, 2, 16]}


def test_it_is_offered_where_there_are_several_machines(client: Client) -> None:
    record_runs(records=[run("a", 1.0)])
    assert "panels=machines" not in text(client, reverse("explore"))
    assert text(client, f"{reverse('explore')}?panels=machines").count("<figure") == 1
    record_runs(records=[run("b", 1.0)])
    assert "panels=machines" in text(client, reverse("explore"))


def test_the_table_stays_one_machine_s_and_says_so(client: Client) -> None:
    record_runs(records=[run("a", 1.0), run("b", 2.0)])
    machine = StoredMachine.objects.get(name="a")
    query = f"?panels=machines&machine={machine.pk}"
    assert [row["seconds"] for row in csv_table(client, "comparison", query)] == ["1.0"]
    words = " ".join(text(client, reverse("explore") + query).split())
    assert "The filters and the table are a's." in words


def test_a_chart_asked_for_by_no_such_machine_is_no_fault(client: Client) -> None:
    record_runs(records=[run("a", 1.0), run("b", 2.0)])
    for asked in ("999", "x", "1e9"):
        assert chart(client, f"?panels=machines&panel={asked}")["data"]["datasets"]
