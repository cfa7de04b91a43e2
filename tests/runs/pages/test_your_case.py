"""Your case: one network, wherever it was measured; two places are never mixed into one answer."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from engines.contract import Network
from engines.networks import ARCHITECTURES
from engines.run_record import Machine, RunRecord
from runs.findings.your_case import LIMITS, Size, asked_case, nearest
from runs.services.recording import record_runs
from tests.records import MACHINE, make_cell, make_record
from tests.runs.pages.reading import csv_table, text

database = [pytest.mark.django_db, pytest.mark.slow]
NETWORK = Network("mlp", 8, 100)
OTHER = dataclasses.replace(MACHINE, name="other", fingerprint="2" * 32)
ASKED = {"network": "mlp", "layers": "8", "width": "100"}
sizes = st.builds(
    Size, st.sampled_from(list(ARCHITECTURES)), st.integers(*LIMITS["layers"]), st.integers(*LIMITS["width"])
)


def runs(
    engine: str, seconds: float, *, network: Network = NETWORK, machine: Machine = MACHINE, **changes: Any
) -> list[RunRecord]:
    dice = random.Random(f"{engine}{seconds}")
    experiment = changes.pop("experiment", "quick")
    replicas = changes.pop("replicas", 1)
    cell = make_cell(engine, network, **changes)
    cell = dataclasses.replace(cell, workload=dataclasses.replace(cell.workload, replicas=replicas))
    return [
        make_record(
            cell=cell,
            epoch_seconds=seconds * dice.uniform(0.99, 1.01),
            block=block,
            machine=machine,
            experiment=experiment,
        )
        for block in range(5)
    ]


def page(client: Client, **query: str) -> Any:
    answer = client.get(reverse("your-case"), {**ASKED, **query})
    assert answer.status_code == 200
    return answer.context["found"]


# ---------------------------------------------------------------- what is asked


@given(sizes)
def test_what_is_asked_within_the_limits_is_understood(size: Size) -> None:
    query = {"network": size.network_type, "layers": str(size.hidden_layers), "width": str(size.width)}
    assert asked_case(query).size == size
    assert asked_case(query).errors == ()


@given(st.dictionaries(st.sampled_from(["network", "layers", "width", "device"]), st.text(max_size=12)))
def test_whatever_is_asked_is_understood_or_said_to_be_wrong(query: dict[str, str]) -> None:
    asked = asked_case(query)
    nothing = not any(query.get(name, "").strip() for name in ("network", "layers", "width"))
    assert (asked.size is None) == (nothing or bool(asked.errors))


@given(sizes, st.lists(sizes, max_size=20))
def test_the_nearest_sizes_are_of_the_same_family_and_ordered(asked: Size, measured: list[Size]) -> None:
    found = nearest(asked, measured)
    assert asked not in found
    assert all(size.network_type == asked.network_type for size in found)
    distances = [asked.distance(size) for size in found]
    assert distances == sorted(distances)


def test_an_error_names_the_field_the_value_and_what_is_allowed() -> None:
    assert asked_case({"network": "mlp", "layers": "0", "width": "100"}).errors == (
        "The number of layers is '0': it must be a whole number from 1 to 256.",
    )
    assert "it must be one of mlp, cnn" in asked_case({"network": "tree", "layers": "1", "width": "1"}).errors[0]


# ---------------------------------------------------------------- the answer


class TestAnswers:
    pytestmark = database

    def test_the_fastest_of_that_very_network_is_the_answer(self, client: Client) -> None:
        small = Network("mlp", 2, 25)
        record_runs(records=[*runs("jax", 0.1), *runs("torch", 0.2), *runs("torch", 0.01, network=small)])
        found = page(client)
        assert found.shown.answer.headline == ["JAX"]
        rows = csv_table(client, "your-case", "?network=mlp&layers=8&width=100")
        assert [(row["engine"], row["network"], row["recommended"]) for row in rows] == [
            ("jax", "MLP 8x100", "True"),
            ("torch", "MLP 8x100", "False"),
        ]

    def test_two_machines_have_an_answer_each(self, client: Client) -> None:
        record_runs(records=[*runs("jax", 0.1), *runs("torch", 0.2), *runs("tensorflow", 0.3)])
        record_runs(records=[*runs("jax", 0.09, machine=OTHER), *runs("torch", 0.01, machine=OTHER)])
        found = page(client)
        assert (found.shown.machine, found.shown.answer.headline) == ("lab-1", ["JAX"])
        [elsewhere] = [[cell.text for cell in row] for row in found.elsewhere.rows]
        assert elsewhere[0] == "other"
        assert elsewhere[2] == "PyTorch"
        [there] = [place for place in found.found if place.machine == "other"]
        assert page(client, machine=str(there.machine_id)).shown.answer.headline == ["PyTorch"]

    def test_two_experiments_are_not_mixed(self, client: Client) -> None:
        record_runs(records=[*runs("jax", 0.1), *runs("torch", 0.2)])
        record_runs(records=runs("tensorflow", 0.001, experiment="later"))
        found = page(client)
        assert found.experiment.slug == "quick"
        assert found.shown.answer.headline == ["JAX"]
        assert page(client, experiment="later").experiment.slug == "later"

    def test_calls_several_replicas_and_another_device_are_not_taken(self, client: Client) -> None:
        record_runs(records=[*runs("jax", 0.1), *runs("torch", 0.2), *runs("torch", 0.001, replicas=2)])
        record_runs(records=runs("torch", 0.0001, device="gpu"))
        assert page(client).shown.answer.headline == ["JAX"]
        assert [row.engine for row in page(client, device="gpu").shown.answer.found.rows] == ["torch"]

    def test_a_wish_that_was_not_measured_is_named(self, client: Client) -> None:
        record_runs(records=[*runs("jax", 0.1), *runs("torch", 0.2)])
        assert page(client, track="tuned").unheeded == "Track"
        assert page(client, track="idiomatic").unheeded == ""
        assert page(client, track="").unheeded == ""

    def test_a_place_that_has_what_is_wished_comes_before_one_with_more_engines(self, client: Client) -> None:
        record_runs(records=[*runs("jax", 0.1), *runs("torch", 0.2), *runs("tensorflow", 0.3)])
        tuned = [*runs("torch", 0.1, track="tuned", machine=OTHER), *runs("jax", 0.4, track="tuned", machine=OTHER)]
        record_runs(records=tuned)
        assert page(client).shown.machine == "lab-1"
        found = page(client, track="tuned")
        assert (found.shown.machine, found.shown.answer.headline, found.unheeded) == ("other", ["PyTorch"], "")
        rows = csv_table(client, "your-case", "?network=mlp&layers=8&width=100&track=tuned")
        assert {(row["engine"], row["track"], row["machine"]) for row in rows} == {
            ("torch", "tuned", "other"),
            ("jax", "tuned", "other"),
        }

    def test_what_nobody_measured_has_its_command_and_the_nearest_sizes(self, client: Client) -> None:
        record_runs(records=[*runs("jax", 0.1), *runs("torch", 0.2)])
        shown = text(client, reverse("your-case") + "?network=mlp&layers=8&width=150&device=gpu")
        assert "python manage.py runbench --networks mlp:8x150 --devices gpu" in shown
        assert "MLP 8×100" in shown

    def test_evidence_leads_to_each_engines_runs(self, client: Client) -> None:
        record_runs(records=[*runs("jax", 0.1), *runs("torch", 0.2)])
        table = page(client).evidence
        listed = [client.get(row[4].url).context["page"].runs for row in table.rows]
        assert [{run.engine for run in each} for each in listed] == [{"jax"}, {"torch"}]
        assert [len(each) for each in listed] == [5, 5]

    def test_wrong_numbers_are_answered_with_a_sentence(self, client: Client) -> None:
        shown = text(client, reverse("your-case") + "?network=mlp&layers=8&width=many")
        assert "The width is &#x27;many&#x27;" in shown

    def test_an_empty_site_says_how_to_fill_it(self, client: Client) -> None:
        assert "make bench" in text(client, reverse("your-case"))

    def test_home_asks_for_the_case(self, client: Client) -> None:
        assert f'action="{reverse("your-case")}"' in text(client, reverse("home"))
