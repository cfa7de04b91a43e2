"""A cell on this machine: which measurement it is, whether it can run, and the command that repeats it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from engines import datasets, machine
from engines.contract import Cell, Device, Network, Optimizer
from engines.run_record import Environment
from runs.bench import here, profiles, provenance
from runs.errors import RunsError
from tests.records import ENVIRONMENT, MACHINE, asked, make_cell, planned
from tests.runs.bench.sittings import make_plan

CELL = make_cell("tensorflow")


def test_a_cell_s_key_changes_with_cell_code_and_software(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here, "environment_of", lambda cell, release: ENVIRONMENT)
    keys = {here.cell_key(CELL), here.cell_key(make_cell("keras-tensorflow"))}
    monkeypatch.setattr(here, "environment_of", lambda cell, release: Environment("tensorflow", "d" * 32, "locked"))
    keys.add(here.cell_key(CELL))
    monkeypatch.setattr("engines.registry.code_hash", lambda slug, network_type, **others: "another code")
    keys.add(here.cell_key(CELL))
    assert len(keys) == 4


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    here._why_not.cache_clear()
    monkeypatch.setattr(here, "why_not", lambda info, device, gpus, release: f"{device}?" if device == "gpu" else "")
    monkeypatch.setattr(machine, "allowed_cpus", lambda: (0, 1))
    monkeypatch.setattr(provenance, "gpus", tuple)
    yield
    here._why_not.cache_clear()


@pytest.mark.parametrize(
    ("device", "threads", "reason"),
    [
        ("cpu", 2, ""),
        ("cpu", 3, "3 threads asked; this process may use 2 logical CPUs."),
        ("gpu", 1, "gpu?"),
    ],
)
@pytest.mark.usefixtures("ready")
def test_a_cell_that_cannot_run_says_why(device: Device, threads: int, reason: str) -> None:
    assert here.why_unsupported(dataclasses.replace(CELL, device=device, threads=threads)) == reason


@pytest.mark.usefixtures("ready")
def test_each_reason_is_told_once() -> None:
    cells = [planned(dataclasses.replace(CELL, threads=threads)) for threads in (1, 3, 3, 4, 2)]
    assert here.reasons_against(cells) == {
        f"{threads} threads asked; this process may use 2 logical CPUs.": "TensorFlow on the CPU" for threads in (3, 4)
    }


# ---------------------------------------------------------------- names and commands


@pytest.mark.parametrize(
    ("suite", "named"),
    [("quick", "--suite quick"), ("my lab", "--suite 'my lab.toml'"), ("lab", "--suite lab.toml")],
)
def test_the_command_that_repeats_a_run_names_its_cell(suite: str, named: str) -> None:
    command = provenance.command_for(make_cell("theano", Network("mlp", 8, 25)), suite)
    assert named in command
    cell = "--engines theano --networks mlp:8x25 --devices cpu --threads 1 --tracks idiomatic --batch-sizes 100"
    assert f"{cell} --blocks 1" in command
    assert "--synthetic" not in command


def test_the_command_names_what_a_network_without_a_suite_trained_on() -> None:
    images = datasets.describe("fashion-mnist-10k")
    cell = make_cell("theano", Network("cnn", 1, 4), dataset=images)
    assert "--dataset fashion-mnist-10k --engines theano" in provenance.command_for(cell, "ad-hoc")
    assert "--suite" not in provenance.command_for(cell, "ad-hoc")
    assert "--shipped-if-missing" in provenance.command_for(cell, "quick")


@pytest.mark.parametrize(
    ("optimizer", "words"),
    [(Optimizer(), ""), (Optimizer(momentum=0.9), "--optimizer momentum"), (Optimizer("adam"), "--optimizer adam")],
)
def test_the_command_names_the_optimizer_where_no_suite_does(optimizer: Optimizer, words: str) -> None:
    cell = dataclasses.replace(CELL, workload=dataclasses.replace(CELL.workload, optimizer=optimizer))
    assert words in provenance.command_for(cell, "ad-hoc")
    assert ("--optimizer" in provenance.command_for(cell, "ad-hoc")) == bool(words)
    assert "--optimizer" not in provenance.command_for(cell, "families")


def test_the_command_names_the_task_that_is_not_training() -> None:
    assert "--tasks infer" in provenance.command_for(asked(CELL), "ad-hoc")
    assert "--tasks" not in provenance.command_for(CELL, "ad-hoc")


def test_no_profile_is_taken_of_a_network_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "cannot_run", lambda run: "")
    (outcome,) = profiles.take(make_plan(asked(CELL)), MACHINE)
    assert (outcome.record, outcome.reason) == (None, "Profiles are taken of training alone.")


def test_an_engine_is_not_asked_for_what_it_does_not_declare() -> None:
    cell = make_cell("onnxruntime")
    assert here.why_unsupported(cell) == "ONNX Runtime does not train networks."


def test_one_gpu_of_several_is_chosen_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "gpus", lambda: ("A100", "H100"))
    gpu = dataclasses.replace(CELL, device="gpu")
    assert (here.setup_of(gpu, 1).device_index, here.setup_of(CELL, 1).device_index) == (1, 0)
    assert "--gpu-index 1" in provenance.command_for(gpu, "quick", gpu_index=1)
    assert "--gpu-index" not in provenance.command_for(CELL, "quick", gpu_index=1)
    assert provenance.gpu_words(1) == "1: H100"
    provenance.check_gpu(1)
    with pytest.raises(RunsError, match=r"There is no GPU 2 here\. There is: 0: A100, 1: H100\."):
        provenance.check_gpu(2)


def test_where_no_gpu_is_seen_its_number_is_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runs are recorded as unsupported."""
    monkeypatch.setattr(provenance, "gpus", tuple)
    provenance.check_gpu(7)


def test_the_command_for_synthetic_data_says_so() -> None:
    cell: Cell = make_cell()
    dataset = dataclasses.replace(cell.workload.dataset, source="synthetic")
    cell = dataclasses.replace(cell, workload=dataclasses.replace(cell.workload, dataset=dataset))
    assert "--synthetic" in provenance.command_for(cell, "quick")


def test_a_machine_keeps_the_name_that_it_was_given(tmp_path: Path) -> None:
    assert provenance.this_machine(" lab ", tmp_path).name == "lab"
    assert provenance.this_machine(None, tmp_path).name != "lab", "asking writes nothing"
    provenance.remember_name("lab", tmp_path)
    assert provenance.this_machine(None, tmp_path).name == "lab"
    assert provenance.this_machine("desk", tmp_path).name == "desk"


@pytest.mark.parametrize("damaged", ["{", "[]", "null", '{"name": 7}', ""])
def test_a_remembered_name_that_is_damaged_is_made_anew(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "machine.json").write_text(damaged)
    name = provenance.this_machine(None, tmp_path).name
    assert name == "7" or name.endswith(")")


def test_a_name_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunsError, match=r"machine\.json cannot be written: "):
        provenance.remember_name("lab", tmp_path / "file")
