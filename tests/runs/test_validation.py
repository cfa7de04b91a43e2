"""Documents from outside: what fits becomes a dataclass, what does not is named field by field."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.contract import Network, as_json
from engines.run_record import Epoch, Machine, RunRecord
from runs.validation import DocumentError, FieldProblem, from_json, from_python
from tests.records import make_record

Change = Callable[[dict[str, Any]], Any]


def problems(document_type: type[Any], document: Any) -> list[FieldProblem]:
    with pytest.raises(DocumentError) as caught:
        from_python(document_type, document)
    return caught.value.problems


def test_a_whole_record_survives_the_way_through_json() -> None:
    record = make_record()
    assert from_json(RunRecord, as_json(record)) == record


def test_a_range_is_named_from_the_contract() -> None:
    (problem,) = problems(Network, {"type": "mlp", "hidden_layers": 2, "width": 70_000})
    assert problem == {"field": "width", "value": "70000", "allowed": "1 to 65536"}


def test_an_unknown_field_names_the_known_ones() -> None:
    (problem,) = problems(Network, {"type": "mlp", "hidden_layers": 2, "width": 7, "depth": 2})
    assert problem["field"] == "depth"
    assert problem["allowed"] == "no such field; known fields: hidden_layers, options, type, width"


def test_a_choice_names_all_choices() -> None:
    (problem,) = problems(Network, {"type": "rnn", "hidden_layers": 2, "width": 7})
    assert (problem["value"], problem["allowed"]) == ("'rnn'", "'mlp', 'cnn', 'resnet', 'lstm', 'gru' or 'transformer'")


def test_a_missing_field_is_called_missing() -> None:
    (problem,) = problems(Network, {"type": "mlp", "width": 7})
    assert (problem["field"], problem["value"]) == ("hidden_layers", "missing")


def test_every_problem_is_found() -> None:
    found = problems(Network, {"type": "rnn", "hidden_layers": 0, "width": "wide"})
    assert {problem["field"] for problem in found} == {"type", "hidden_layers", "width"}


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 1e31])
def test_a_loss_outside_its_range_is_refused(loss: float) -> None:
    (problem,) = problems(Epoch, {"wall_seconds": 1.0, "cpu_seconds": 1.0, "loss": loss})
    assert problem["field"].startswith("loss")


def test_a_long_value_is_shortened_in_the_message() -> None:
    (problem,) = problems(Network, {"type": "x" * 500, "hidden_layers": 1, "width": 1})
    assert len(problem["value"]) == 78


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "7", '"text"', b"\xff\xfe"])
def test_what_is_no_document_is_one_problem(text: str | bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        from_json(RunRecord, text)
    assert [problem["field"] for problem in caught.value.problems] == ["document"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda document: document["cell"]["workload"]["network"].update(width=0), "cell.workload.network.width"),
        (lambda document: document["training"]["epochs"][1].update(wall_seconds=-1), "training.epochs.1.wall_seconds"),
        (lambda document: document["training"].update(epochs=[]), "training.epochs"),
        (lambda document: document.update(host="lab"), "host"),
        (lambda document: document.update(schema_version=99), "schema_version"),
        (lambda document: document["machine"].update(facts={"flags": "x" * 501}), "machine.facts.flags"),
        (lambda document: document.update(reason="x" * 8001), "reason"),
        (lambda document: document.update(status="fine"), "status"),
        (lambda document: document.pop("cell_key"), "cell_key"),
    ],
)
def test_a_field_deep_inside_a_record_is_named_by_its_way(change: Change, field: str) -> None:
    document = json.loads(as_json(make_record()))
    change(document)
    assert [problem["field"] for problem in problems(RunRecord, document)] == [field]


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=6))
def test_whatever_comes_is_a_document_error_or_a_document(value: Any) -> None:
    for document in (value, {"name": value, "cpu": value}):
        with pytest.raises(DocumentError) as caught:
            from_python(Machine, document)
        assert all(problem["allowed"] and problem["value"] for problem in caught.value.problems)


@given(st.builds(Network, st.sampled_from(["mlp", "cnn"]), st.integers(1, 256), st.integers(1, 65_536)))
def test_every_network_in_range_fits(network: Network) -> None:
    assert from_python(Network, dataclasses.asdict(network)) == network
