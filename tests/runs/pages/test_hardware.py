"""Machines side by side: page, files, chart and API say the same, and mix nothing that is not alike."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from engines.contract import DataSet, Network, Optimizer
from engines.run_record import Machine, RunRecord
from runs.models import Machine as StoredMachine
from runs.services.curation import set_price
from runs.services.recording import record_runs
from tests.records import MACHINE, SHUTTLE, make_cell, make_record
from tests.runs.labs import software
from tests.runs.pages.reading import csv_table, text

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SMALL, LARGE = Network("mlp", 2, 25), Network("mlp", 8, 200)
OLD = dataclasses.replace(MACHINE, name="old", fingerprint="1" * 32)
NEW = dataclasses.replace(MACHINE, name="new", fingerprint="2" * 32)


def runs(
    machine: Machine, engine: str, seconds: float, *, network: Network = SMALL, blocks: int = 6, **changes: Any
) -> list[RunRecord]:
    dice = random.Random(f"{machine.name}{engine}{seconds}")
    cell = make_cell(engine, network, **changes)
    return [
        make_record(cell=cell, epoch_seconds=seconds * dice.uniform(0.99, 1.01), block=block, machine=machine)
        for block in range(blocks)
    ]


def told(client: Client, **query: str) -> dict[str, Any]:
    answer = client.get(reverse("api:hardware"), query)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def places(client: Client, **query: str) -> list[tuple[str, str, str]]:
    """Machine, engine and verdict, the fastest first."""
    return [(each["held"]["machine"], each["engine"], each["verdict"]) for each in told(client, **query)["places"]]


def test_each_machine_stands_by_its_fastest_engine_there(client: Client) -> None:
    record_runs(records=[*runs(OLD, "jax", 0.4), *runs(OLD, "torch", 0.8), *runs(NEW, "jax", 0.3)])
    record_runs(records=runs(NEW, "torch", 0.2))
    assert places(client) == [("new", "torch", "best"), ("old", "jax", "slower")]
    rows = csv_table(client, "hardware")
    assert [(row["machine_name"], row["fastest"], row["verdict"]) for row in rows] == [
        ("new", "PyTorch", "best"),
        ("old", "JAX", "slower"),
    ]
    page = text(client, reverse("hardware"))
    assert "new · CPU, 1 thread" in page
    assert "PyTorch" in page
    drawn = client.get(reverse("chart", args=["time-per-place"])).json()["data"]["datasets"]
    assert {each["label"]: [round(point["y"], 1) for point in each["data"]] for each in drawn} == {
        "JAX": [0.3, 0.4],
        "PyTorch": [0.2, 0.8],
    }


def renewed(records: list[RunRecord], version: str) -> list[RunRecord]:
    return [dataclasses.replace(each, environment=software(each.cell.engine, version)) for each in records]


def test_a_newer_release_on_one_machine_makes_it_no_faster_machine(client: Client) -> None:
    """The new machine has both releases, the old one the older: by that they are compared."""
    record_runs(records=renewed(runs(OLD, "jax", 0.4), "0.9"))
    record_runs(records=renewed(runs(NEW, "jax", 0.39), "0.9") + renewed(runs(NEW, "jax", 0.1), "0.10"))
    assert [verdict for *_, verdict in places(client)] == ["best", "tie"]
    assert [row["ratio"][:3] for row in csv_table(client, "hardware")] == ["1.0", "1.0"]


def test_without_a_common_release_no_machine_is_called_faster(client: Client) -> None:
    record_runs(records=renewed(runs(OLD, "jax", 0.4), "0.9") + renewed(runs(NEW, "jax", 0.1), "0.10"))
    found = told(client)
    assert (found["places"], found["networks"], found["engines"]) == ([], [], [])
    assert "none is called faster" in " ".join(text(client, reverse("hardware")).split())
    drawn = client.get(reverse("chart", args=["time-per-place"])).json()["data"]["datasets"]
    assert sorted(point["y"] for each in drawn for point in each["data"]) == pytest.approx([0.1, 0.4], rel=0.02)


def test_an_engine_that_one_machine_alone_has_decides_nothing_and_is_drawn(client: Client) -> None:
    record_runs(records=[*runs(OLD, "jax", 0.4), *runs(NEW, "jax", 0.5), *runs(NEW, "torch", 0.01)])
    assert places(client) == [("old", "jax", "best"), ("new", "jax", "slower")]
    assert told(client)["engines"] == ["JAX"]
    drawn = client.get(reverse("chart", args=["time-per-place"])).json()["data"]["datasets"]
    assert {each["label"]: len(each["data"]) for each in drawn} == {"JAX": 2, "PyTorch": 1}


def test_blocks_of_two_machines_are_no_pairs(client: Client) -> None:
    """In pairs of block numbers, whose noise is the same here, these would differ for sure."""
    swing = [0.7, 0.85, 1.0, 1.15, 1.3, 1.5]
    for machine, factor in ((OLD, 1.08), (NEW, 1.0)):
        cell = make_cell("jax", SMALL)
        record_runs(
            records=[
                make_record(cell=cell, epoch_seconds=factor * each, block=block, machine=machine)
                for block, each in enumerate(swing)
            ]
        )
    assert [verdict for *_, verdict in places(client)][1] == "unresolved"


def test_other_data_another_optimizer_and_another_network_are_other_answers(client: Client) -> None:
    other_data = DataSet("shuttle", "imported", "5" * 64, SHUTTLE.train_samples, SHUTTLE.test_samples)
    adam = make_cell("jax", SMALL)
    adam = dataclasses.replace(adam, workload=dataclasses.replace(adam.workload, optimizer=Optimizer("adam")))
    record_runs(records=[*runs(OLD, "jax", 0.4), *runs(NEW, "jax", 0.3)])
    record_runs(records=runs(OLD, "torch", 0.01, dataset=other_data))
    record_runs(records=runs(OLD, "torch", 0.02, workload=adam.workload))
    record_runs(records=runs(OLD, "torch", 0.03, network=LARGE))
    assert places(client) == [("new", "jax", "best"), ("old", "jax", "slower")]


def test_threads_and_devices_are_places_of_their_own_and_one_machine_has_no_next(client: Client) -> None:
    record_runs(
        records=[*runs(OLD, "jax", 0.4), *runs(OLD, "jax", 0.25, threads=4), *runs(OLD, "jax", 0.1, device="gpu")]
    )
    assert [(each["device"], each["threads"]) for each in told(client)["places"]] == [
        ("gpu", 1),
        ("cpu", 4),
        ("cpu", 1),
    ]
    assert told(client)["networks"] == []


def test_every_network_has_its_fastest_machine_and_the_next(client: Client) -> None:
    record_runs(records=[*runs(OLD, "jax", 0.4), *runs(NEW, "jax", 0.3)])
    record_runs(records=[*runs(OLD, "jax", 2.0, network=LARGE), *runs(NEW, "jax", 3.0, network=LARGE)])
    found = [
        (each["fastest"]["width"], each["fastest"]["held"]["machine"], each["next"]["held"]["machine"])
        for each in told(client)["networks"]
    ]
    assert found == [(25, "new", "old"), (200, "old", "new")]
    assert [row["place"] for row in csv_table(client, "hardware-bests")] == [
        "new · CPU, 1 thread",
        "old · CPU, 1 thread",
    ]
    assert places(client, network="mlp-8x200")[0][0] == "old"
    assert client.get(reverse("api:hardware"), {"network": "mlp-9x9"}).status_code == 404


def test_costs_are_those_of_machines_with_a_price(client: Client) -> None:
    record_runs(records=[*runs(OLD, "jax", 0.4), *runs(NEW, "jax", 0.3)])
    set_price(machine=StoredMachine.objects.get(name="old"), price="0.9", currency="USD")
    new, old = told(client)["places"]
    assert (new["cost"], new["currency"], old["currency"]) == (None, None, "USD")
    assert old["cost"] == pytest.approx(0.1, rel=0.03)
    assert [row["currency"] for row in csv_table(client, "hardware")] == ["", "USD"]
    assert " USD" in text(client, reverse("hardware"))


def test_what_failed_the_gate_is_no_machine_s_fastest(client: Client) -> None:
    failed = [dataclasses.replace(each, equivalence="failed") for each in runs(OLD, "torch", 0.01)]
    record_runs(records=[*failed, *runs(OLD, "jax", 0.4), *runs(NEW, "jax", 0.3)])
    assert places(client) == [("new", "jax", "best"), ("old", "jax", "slower")]


def test_an_experiment_of_one_place_says_how_to_have_several(client: Client) -> None:
    record_runs(records=runs(OLD, "jax", 0.4))
    assert "fleet run" in text(client, reverse("hardware"))
    assert told(client)["places"] == []
