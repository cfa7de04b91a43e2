"""The gate as the runner asks it: once for an engine's code and software, of the smallest networks, and kept."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engines import host, machine, registry
from engines.contract import Cell, Network, Track
from engines.environments import environments
from engines.protocol import Case, Job
from engines.run_record import Environment
from runs.bench import gate
from runs.bench.gate import Check, Subject, Verdicts, in_words
from runs.errors import RunsError
from tests.records import ENVIRONMENT, make_cell, planned
from tests.runs.bench.benches import Bench

SMALL, DEEP, IMAGES = Network("mlp", 1, 2), Network("mlp", 8, 100), Network("cnn", 1, 2)
TENSORFLOW, KERAS = Subject("tensorflow", "cpu"), Subject("keras-tensorflow", "cpu")
NUMBERS = {"losses": 1.2e-15, "weights": 3.4e-15, "updates": 1.06e-9, "worst_tensor": "layer 1's kernel"}


def result(**differences: Any) -> dict[str, Any]:
    return {"differences": {**NUMBERS, **differences}, "passed": True}


def checked(network: Network = SMALL, *, passed: bool = True, **changes: Any) -> Check:
    return Check(**{**{"engine": "tensorflow", "device": "cpu", "network": network, "dtype": "float64",
                       "passed": passed, "reason": "", "results": (result(),)}, **changes})  # fmt: skip


@pytest.fixture
def verdicts(tmp_path: Path) -> Verdicts:
    return Verdicts(tmp_path / "equivalence.json")


@pytest.fixture(autouse=True)
def software(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "describe", lambda info: ENVIRONMENT)
    monkeypatch.setattr(environments, "python_of", lambda info: Path("python"))


def again(verdicts: Verdicts) -> Verdicts:
    """As the next command reads them."""
    return Verdicts(verdicts.path)


# ---------------------------------------------------------------- what is kept


def test_a_verdict_is_kept_for_the_next_command(verdicts: Verdicts) -> None:
    checks = [checked(), checked(IMAGES, passed=False, reason="Crashed.", results=())]
    verdicts.keep(TENSORFLOW, checks)
    assert again(verdicts).of(TENSORFLOW) == checks
    assert again(verdicts).of(KERAS) == []


def test_a_newer_check_takes_the_older_one_s_place_and_no_other(verdicts: Verdicts) -> None:
    verdicts.keep(TENSORFLOW, [checked(), checked(dtype="float32"), checked(IMAGES)])
    verdicts.keep(TENSORFLOW, [checked(passed=False)])
    assert again(verdicts).of(TENSORFLOW) == [checked(dtype="float32"), checked(passed=False), checked(IMAGES)]


def test_numbers_too_large_for_json_are_kept(verdicts: Verdicts) -> None:
    verdicts.keep(TENSORFLOW, [checked(results=(result(losses=1e9),))])
    assert again(verdicts).of(TENSORFLOW)[0].worst["losses"] == 1e9


def test_a_changed_adapter_asks_again(verdicts: Verdicts, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts.keep(TENSORFLOW, [checked()])
    monkeypatch.setattr(registry, "code_hash", lambda slug, network_type, **others: "another adapter")
    assert verdicts.of(TENSORFLOW) == []
    assert gate.lacking(verdicts, [planned(make_cell(network=SMALL))]) == {TENSORFLOW: (Case(SMALL),)}


def test_a_changed_package_asks_again(verdicts: Verdicts, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts.keep(TENSORFLOW, [checked()])
    monkeypatch.setattr(environments, "describe", lambda info: Environment("tensorflow", "d" * 32, "locked"))
    assert verdicts.of(TENSORFLOW) == []
    monkeypatch.setattr(environments, "describe", lambda info: ENVIRONMENT)
    assert verdicts.of(TENSORFLOW) == [checked()]


@pytest.mark.parametrize("content", ["{", "[]", "7", '{"key": [{"engine": "tensorflow"}]}', '{"key": 3}', "\0"])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / "equivalence.json").write_text(content)
    with pytest.raises(RunsError, match=r"equivalence\.json is damaged\. Delete it; the gate will be asked again\."):
        Verdicts(tmp_path / "equivalence.json")


def test_a_file_that_cannot_be_read_or_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunsError, match="cannot be read: Is a directory"):
        Verdicts(tmp_path)
    verdicts = Verdicts(tmp_path / "equivalence.json")
    (tmp_path / "equivalence.draft").mkdir()
    with pytest.raises(RunsError, match="cannot be written: Is a directory"):
        verdicts.keep(TENSORFLOW, [checked()])


# ---------------------------------------------------------------- what is asked


def test_the_smallest_network_of_each_type_is_asked() -> None:
    cells = [make_cell(network=network) for network in (DEEP, Network("cnn", 2, 8), IMAGES, Network("mlp", 8, 25))]
    assert set(gate.smallest_cases(cells)) == {Case(Network("mlp", 8, 25)), Case(IMAGES)}


def test_fewer_layers_are_smaller_than_fewer_neurons() -> None:
    cells = [make_cell(network=network) for network in (Network("mlp", 4, 25), Network("mlp", 2, 400))]
    assert gate.smallest_cases(cells) == (Case(Network("mlp", 2, 400)),)


def test_what_is_known_is_not_asked_again(verdicts: Verdicts) -> None:
    engines = ("tensorflow", "keras-tensorflow")
    cells = [planned(make_cell(engine, network)) for engine in engines for network in (DEEP, IMAGES)]
    assert gate.lacking(verdicts, cells) == {TENSORFLOW: (Case(DEEP), Case(IMAGES)), KERAS: (Case(DEEP), Case(IMAGES))}
    verdicts.keep(TENSORFLOW, [checked(SMALL)])
    assert gate.lacking(verdicts, cells) == {TENSORFLOW: (Case(IMAGES),), KERAS: (Case(DEEP), Case(IMAGES))}
    verdicts.keep(KERAS, [checked(SMALL, passed=False), checked(IMAGES)])
    assert gate.lacking(verdicts, cells) == {TENSORFLOW: (Case(IMAGES),)}, "a failure is a verdict, too"


def test_each_track_is_asked_for_itself_and_speaks_for_its_own_runs(
    verdicts: Verdicts, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = answers(monkeypatch, passes)
    cells = [replace(make_cell(network=SMALL), track=track) for track in ("idiomatic", "tuned")]
    tuned = Subject("tensorflow", "cpu", "tuned")
    verdicts.keep(TENSORFLOW, [checked(passed=False)])
    assert gate.lacking(verdicts, list(map(planned, cells))) == {tuned: (Case(SMALL),)}
    gate.ask({tuned: (Case(SMALL),)}, verdicts, lambda subject, checks: None)
    assert {job.setup.track for job in jobs} == {"tuned"}
    assert [again(verdicts).standing(cell)[0] for cell in cells] == ["failed", "passed"]


def answers(monkeypatch: pytest.MonkeyPatch, answer: Callable[[Job], host.Outcome]) -> list[Job]:
    jobs: list[Job] = []

    def run(python: Path, job: Job, *, timeout_seconds: float, stop: threading.Event) -> host.Outcome:
        jobs.append(job)
        return answer(job)

    monkeypatch.setattr(host, "run", run)
    return jobs


def passes(job: Job) -> host.Outcome:
    reports = [{"passed": True, "checks": [result()]} for _ in job.cases]
    return host.Outcome("finished", result={"reports": reports})


def test_both_element_types_are_asked_each_in_a_process_of_its_own(
    verdicts: Verdicts, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = answers(monkeypatch, passes)
    told: list[tuple[Subject, int]] = []
    both = (Case(SMALL), Case(IMAGES))
    gate.ask({TENSORFLOW: both}, verdicts, lambda subject, checks: told.append((subject, len(checks))))
    assert [(job.kind, job.setup.dtype, job.cases) for job in jobs] == [
        ("verify", "float64", both),
        ("verify", "float32", both),
    ]
    assert told == [(TENSORFLOW, 4)]
    assert all(check.passed for check in again(verdicts).of(TENSORFLOW))


def test_the_tracks_of_one_engine_are_asked_one_after_the_other_on_the_gpu_that_was_chosen(
    verdicts: Verdicts, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = answers(monkeypatch, passes)
    monkeypatch.setattr(machine, "allowed_cpus", lambda: (0, 1, 2, 3))
    tracks: tuple[Track, ...] = ("idiomatic", "tuned")
    cells = [planned(replace(make_cell(network=SMALL), device="gpu", track=track)) for track in tracks]
    gate.ask(gate.lacking(verdicts, cells, device_index=2), verdicts, lambda subject, checks: None)
    assert [job.setup.track for job in jobs] == ["idiomatic"] * 2 + ["tuned"] * 2
    assert {job.setup.device_index for job in jobs} == {2}
    assert gate.lacking(verdicts, cells) == {}, "a verdict holds on any GPU"


def test_a_gate_that_ends_badly_is_a_failure_with_its_reason_and_the_next_engine_is_asked(
    verdicts: Verdicts, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = host.Outcome("crashed", reason="The worker was killed by signal 11 (SIGSEGV).")
    answers(monkeypatch, lambda job: crash if job.setup.engine == "tensorflow" else passes(job))
    gate.ask({TENSORFLOW: (Case(SMALL),), KERAS: (Case(SMALL),)}, verdicts, lambda subject, checks: None)
    assert [(check.passed, check.reason) for check in verdicts.of(TENSORFLOW)] == [(False, crash.reason)] * 2
    assert [check.passed for check in verdicts.of(KERAS)] == [True, True]


def test_each_verdict_is_kept_as_soon_as_it_is_there(verdicts: Verdicts, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(job: Job) -> host.Outcome:
        if job.setup.engine == "keras-tensorflow":
            raise OSError(28, "No space left on device")
        return passes(job)

    answers(monkeypatch, answer)
    with pytest.raises(OSError, match="No space left"):
        gate.ask({TENSORFLOW: (Case(SMALL),), KERAS: (Case(SMALL),)}, verdicts, lambda subject, checks: None)
    assert (len(again(verdicts).of(TENSORFLOW)), again(verdicts).of(KERAS)) == (2, [])


# ---------------------------------------------------------------- what a run's record says


def standing(verdicts: Verdicts, cell: Cell) -> tuple[str, dict[str, str]]:
    return verdicts.standing(cell)


def test_an_engine_that_was_never_asked_is_unverified(verdicts: Verdicts) -> None:
    assert standing(verdicts, make_cell()) == ("unverified", {})


def test_a_run_s_verdict_is_that_of_its_own_type_of_network(verdicts: Verdicts) -> None:
    verdicts.keep(TENSORFLOW, [checked(DEEP), checked(IMAGES, passed=False, dtype="float32")])
    assert standing(verdicts, make_cell(network=SMALL))[0] == "passed"
    words = "failed: losses 1.2e-15, weights 3.4e-15, updates 1.1e-09"
    assert standing(verdicts, make_cell(network=IMAGES)) == ("failed", {"CNN 1x2, float32": words})
    assert standing(verdicts, make_cell("theano", IMAGES))[0] == "unverified"


def test_one_failure_fails_the_type(verdicts: Verdicts) -> None:
    verdicts.keep(TENSORFLOW, [checked(), checked(DEEP, passed=False)])
    state, facts = standing(verdicts, make_cell(network=SMALL))
    assert state == "failed"
    assert set(facts) == {"MLP 1x2, float64", "MLP 8x100, float64"}


def test_a_check_in_words_has_its_worst_numbers_or_its_reason() -> None:
    worse = checked(results=(result(), result(losses=2e-3)), passed=False)
    assert in_words(worse) == "failed: losses 0.002, weights 3.4e-15, updates 1.1e-09"
    assert in_words(checked()) == "passed: losses 1.2e-15, weights 3.4e-15, updates 1.1e-09"
    crashed = checked(results=(), passed=False, reason="Crashed. " * 100)
    assert in_words(crashed).startswith("failed: Crashed. ")
    assert len(in_words(crashed)) == 500, "a fact of a record has no more"


# ---------------------------------------------------------------- with a real worker


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """NumPy in TensorFlow's place."""
    monkeypatch.undo()
    monkeypatch.setenv("BENCHSITE_VAR", str(tmp_path))
    return Bench(tmp_path)


def asked(bench: Bench, subject: Subject = TENSORFLOW, network: Network = SMALL) -> list[Check]:
    verdicts = Verdicts(bench.var / "equivalence.json")
    gate.ask({subject: (Case(network),)}, verdicts, lambda *_: None)
    return again(verdicts).of(subject)


def test_the_reference_itself_passes(stand_in: Bench) -> None:
    stand_in.behave("train")
    double, single = asked(stand_in)
    assert (double.dtype, double.passed, double.worst) == ("float64", True, dict.fromkeys(double.worst, 0.0))
    assert (single.dtype, single.passed) == ("float32", True)
    assert 0 < single.worst["updates"] < 1e-3


def test_an_engine_whose_losses_are_no_numbers_fails(stand_in: Bench) -> None:
    stand_in.behave("nan")
    assert [(check.passed, check.worst["losses"]) for check in asked(stand_in)] == [(False, 1e9)] * 2


def test_an_engine_that_dies_fails_with_the_reason(stand_in: Bench) -> None:
    stand_in.behave("segfault")
    words = [in_words(check) for check in asked(stand_in)]
    assert words == ["failed: The worker was killed by signal 11 (SIGSEGV)."] * 2


@pytest.fixture
def heeds_ctrl_c() -> Iterator[None]:
    """What a shell starts in the background ignores Ctrl-C, and so would the test."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_does_not_wait_for_the_gate(stand_in: Bench, heeds_ctrl_c: None) -> None:
    stand_in.behave("hang")
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        asked(stand_in)
    timer.join()
    assert not (stand_in.var / "equivalence.json").exists()


@pytest.mark.engine
def test_tensorflow_itself_passes_and_its_verdict_is_kept(stand_in: Bench) -> None:
    checks = asked(stand_in, network=Network("mlp", 2, 25))
    assert [check.passed for check in checks] == [True, True], [in_words(check) for check in checks]
    assert checks[0].worst["updates"] < 1e-7
    kept = json.loads((stand_in.var / "equivalence.json").read_text())
    assert list(kept) == [TENSORFLOW.key("mlp")]


# ---------------------------------------------------------------- what an engine refuses


def test_a_network_that_an_engine_refuses_is_no_fault_of_its_others(
    verdicts: Verdicts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses_images(python: Path, job: Job, **options: Any) -> host.Outcome:
        reports = [
            {"unsupported": "No convolutions."}
            if case.network.type == "cnn"
            else {"passed": True, "checks": [result()]}
            for case in job.cases
        ]
        return host.Outcome("finished", result={"reports": reports})

    monkeypatch.setattr(host, "run", refuses_images)
    checks = gate.check(TENSORFLOW, (Case(SMALL), Case(IMAGES)), threading.Event())
    verdicts.keep(TENSORFLOW, checks)
    assert [in_words(check) for check in checks if check.network == IMAGES] == ["unsupported: No convolutions."] * 2
    assert again(verdicts).standing(make_cell(network=SMALL))[0] == "passed"
    assert again(verdicts).standing(make_cell(network=IMAGES)) == ("unverified", {})
    assert gate.lacking(verdicts, [planned(make_cell(network=SMALL)), planned(make_cell(network=IMAGES))]) == {}
