"""The one schema: canonical JSON, hashes that tell content apart, and engines that have what the protocol asks."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import contract, errors
from engines.contract import Cell, Engine, Network, as_json, content_hash
from engines.errors import EngineError
from engines.registry import ENGINES, ENGINES_FOLDER
from engines.run_record import Epoch, Status
from tests.records import make_cell, make_record

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=4
)
NETWORKS = st.builds(Network, st.sampled_from(["mlp", "cnn"]), st.integers(1, 256), st.integers(1, 65_536))


def test_a_record_s_json_is_canonical() -> None:
    record = make_record()
    text = as_json(record)
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    assert as_json(dataclasses.replace(record)) == text


def test_a_number_that_is_none_never_reaches_json() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_json(Epoch(float("nan"), 1.0))


@given(st.dictionaries(st.text(max_size=5), JSON_VALUES, min_size=2, max_size=4))
def test_equal_content_has_an_equal_hash_in_whatever_order(document: dict[str, Any]) -> None:
    backwards = dict(reversed(list(document.items())))
    assert content_hash(document) == content_hash(backwards)


@given(NETWORKS, NETWORKS)
def test_networks_have_the_same_hash_only_if_they_are_the_same(one: Network, other: Network) -> None:
    assert (content_hash(one) == content_hash(other)) == (one == other)


def test_parts_of_a_hash_do_not_run_into_each_other() -> None:
    assert content_hash("ab", "c") != content_hash("a", "bc") != content_hash("abc")


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Cell)])
def test_every_field_of_a_cell_makes_it_another(field: str) -> None:
    cell = make_cell()
    other: dict[str, Any] = {
        "workload": dataclasses.replace(cell.workload, batch_size=50),
        "engine": "theano",
        "track": "tuned",
        "device": "gpu",
        "threads": 2,
    }
    assert content_hash(cell) != content_hash(dataclasses.replace(cell, **{field: other[field]}))


def test_a_network_is_written_as_the_study_does() -> None:
    assert str(Network("mlp", 8, 100)) == "MLP 8x100"


def test_epochs_after_the_warm_up_are_steady() -> None:
    training = make_record().training
    assert training is not None
    assert training.steady_epochs == training.epochs[2:]


def test_every_number_of_the_schema_has_its_range_and_every_text_its_length() -> None:
    missing = [
        f"{document.__name__}.{field}"
        for document in contract.Document.__subclasses__()
        for field, annotation in typing.get_type_hints(document, include_extras=True).items()
        if not field.startswith("__") and _unbounded(annotation)
    ]
    assert missing == []


def _unbounded(annotation: Any) -> bool:
    """A bare int, float or str somewhere in it; what stands in Annotated with a bound is fine."""
    if typing.get_origin(annotation) is typing.Annotated:
        inner, *bounds = typing.get_args(annotation)
        return not bounds or (typing.get_origin(inner) is not None and _unbounded(inner))
    if typing.get_origin(annotation) is typing.Literal:
        return False
    arguments = [argument for argument in typing.get_args(annotation) if argument is not Ellipsis]
    return annotation in (int, float, str) or any(_unbounded(argument) for argument in arguments)


def test_every_error_names_a_status_of_the_schema() -> None:
    tree = [error for error in vars(errors).values() if inspect.isclass(error) and issubclass(error, EngineError)]
    assert {error.status for error in tree} <= set(typing.get_args(Status))


@pytest.mark.parametrize("framework", sorted({info.framework for info in ENGINES.values()} | {"reference"}))
def test_every_framework_s_engine_has_what_the_protocol_asks(framework: str) -> None:
    """Read, not imported: no framework is installed where this runs."""
    tree = ast.parse((ENGINES_FOLDER / "frameworks" / f"{framework}.py").read_text())
    engine = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Engine")
    methods = {node.name for node in engine.body if isinstance(node, ast.FunctionDef)}
    asked = {name for name, value in vars(Engine).items() if inspect.isfunction(value) and not name.startswith("_")}
    assert asked <= methods
