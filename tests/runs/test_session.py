"""What is left of a plan, what a run's record says, and what is tried again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engines import host, machine
from engines.contract import Cell, Device, Environment, Machine, Network, RunRecord, Status, as_json
from engines.protocol import Event, Job
from runs.bench import provenance, session
from runs.records import parse_record
from runs.spool import Spool
from runs.suites.plan import Block, Plan, PlannedRun
from runs.suites.suite import Bench, Suite
from tests.records import ENVIRONMENT, MACHINE, make_cell, make_record, make_training

SUITE = Suite("any", "Any", (Bench("mlp", (8,), (25,), ("tensorflow",)),))
HERE, THERE = MACHINE, dataclasses.replace(MACHINE, name="lab-2")
CELL = make_cell("tensorflow")
PLAN = Plan(SUITE, tuple(Block(number, (PlannedRun(CELL, number, 0, 7),)) for number in range(2)))


class Watcher:
    def __init__(self) -> None:
        self.shown: list[RunRecord] = []
        self.events: list[Event] = []

    def on_event(self, planned: PlannedRun, event: Event) -> None:
        self.events.append(event)

    def show(self, record: RunRecord) -> None:
        self.shown.append(record)


class Hosts:
    """In place of the real host: gives the outcomes that a test sets, and keeps the jobs that it was given."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.outcomes: list[host.Outcome] = []
        self.interrupted_at: int | None = None

    def run(self, python: Path, job: Job, *, timeout_seconds: float, on_event: Any = None) -> host.Outcome:
        if job.kind == "canary":
            return host.Outcome("finished", result={"gflops": 90.0, "peak_gflops": 100.0})
        if self.interrupted_at == len(self.jobs):
            raise KeyboardInterrupt
        self.jobs.append(job)
        on_event({"event": "phase", "name": "imported"})
        return self.outcomes.pop(0) if self.outcomes else finished()


def finished() -> host.Outcome:
    training = dataclasses.asdict(make_training(CELL, 0.25))
    result = {"training": training, "phases": {"import_seconds": 2.0, "compile_seconds": 0.5}}
    return host.Outcome("finished", result=result, exit_code=0, process_seconds=9.0, process_cpu_seconds=8.0)


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    hosts = Hosts()
    session.session_canary.cache_clear()
    monkeypatch.setattr(host, "run", hosts.run)
    monkeypatch.setattr(session, "environment_of", lambda cell: ENVIRONMENT)
    monkeypatch.setattr(session, "python_of", lambda cell: Path("python"))
    can_run(monkeypatch)
    yield hosts
    session.session_canary.cache_clear()


def can_run(monkeypatch: pytest.MonkeyPatch, reason: str = "") -> None:
    monkeypatch.setattr(session, "why_unsupported", lambda cell: reason)


def sitting(tmp_path: Path, plan: Plan = PLAN, stored: list[RunRecord] | None = None) -> session.Session:
    spool = Spool(tmp_path / "any.jsonl")
    return session.Session(plan, "any", HERE, spool, (stored if stored is not None else []).append)


def recorded(*, block: int = 0, status: Status = "finished", **changes: Any) -> RunRecord:
    record = make_record(cell=CELL, block=block, status=status, experiment="any", machine=HERE)
    return dataclasses.replace(record, **{"cell_key": session.cell_key(CELL), **changes})


def left(*records: RunRecord) -> list[int]:
    return [run.block for run in session.remaining(PLAN, records, HERE, "any").runs]


def test_every_run_goes_to_the_spool_then_to_the_store_then_to_the_screen(tmp_path: Path, hosts: Hosts) -> None:
    stored: list[RunRecord] = []
    watcher = Watcher()
    made = session.carry_out(sitting(tmp_path, stored=stored), watcher)
    assert made == stored == watcher.shown == list(Spool(tmp_path / "any.jsonl").read().records)
    assert [record.placement.block for record in made] == [0, 1]
    assert watcher.events


def test_ctrl_c_keeps_what_was_finished(tmp_path: Path, hosts: Hosts) -> None:
    hosts.interrupted_at = 1
    with pytest.raises(KeyboardInterrupt):
        session.carry_out(sitting(tmp_path), Watcher())
    assert left(*Spool(tmp_path / "any.jsonl").read().records) == [1]


def test_a_store_that_fails_finds_the_run_in_the_spool(tmp_path: Path, hosts: Hosts) -> None:
    def refuse(record: RunRecord) -> None:
        raise RuntimeError("the database is gone")

    spool = Spool(tmp_path / "any.jsonl")
    with pytest.raises(RuntimeError):
        session.carry_out(session.Session(PLAN, "any", HERE, spool, refuse), Watcher())
    assert len(spool.read().records) == 1


def test_a_record_says_what_ran_where_and_how_it_is_repeated(tmp_path: Path, hosts: Hosts) -> None:
    record = session.carry_out(sitting(tmp_path), Watcher())[0]
    assert parse_record(as_json(record)) == record
    assert (record.cell, record.machine, record.environment) == (CELL, HERE, ENVIRONMENT)
    assert (record.placement.suite, record.placement.block, record.placement.seed) == ("any", 0, 7)
    assert (record.phases.import_seconds, record.phases.process_seconds) == (2.0, 9.0)
    assert (record.conditions.canary_gflops, record.conditions.peak_gflops) == (90.0, 100.0)
    assert record.started_at <= record.finished_at


def test_a_job_has_the_suite_s_policy_the_block_s_seed_and_its_cpus(tmp_path: Path, hosts: Hosts) -> None:
    session.carry_out(sitting(tmp_path), Watcher())
    job = hosts.jobs[0]
    assert (job.seed, job.policy, job.dataset) == (7, SUITE.policy, CELL.workload.dataset)
    assert job.cpus == machine.allowed_cpus()[:1]


@pytest.mark.parametrize("status", ["crashed", "timed_out", "out_of_memory", "diverged"])
def test_a_bad_end_is_a_record_and_the_suite_goes_on(tmp_path: Path, hosts: Hosts, status: Status) -> None:
    hosts.outcomes = [host.Outcome(status, reason="Bad luck.", exit_code=-9, stderr_tail="last words")]
    first, second = session.carry_out(sitting(tmp_path), Watcher())
    assert (first.status, first.reason, first.exit_code, first.stderr_tail) == (status, "Bad luck.", -9, "last words")
    assert second.status == "finished"
    assert left(first, second) == []


def test_an_unsupported_run_is_recorded_without_a_process(
    tmp_path: Path, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    can_run(monkeypatch, f"No GPU in {Path.home()}/gpus.")
    first, _ = session.carry_out(sitting(tmp_path), Watcher())
    assert (first.status, first.reason, first.exit_code) == ("unsupported", "No GPU in <home>/gpus.", None)
    assert hosts.jobs == []


# ---------------------------------------------------------------- what is left


def test_what_is_recorded_is_not_run_again(hosts: Hosts) -> None:
    assert left() == [0, 1]
    assert left(recorded(block=0)) == [1]
    assert left(recorded(block=1), recorded(block=0)) == []


def test_an_unsupported_run_is_tried_again_when_its_cause_is_gone(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [recorded(block=block, status="unsupported") for block in range(2)]
    can_run(monkeypatch, "No GPU.")
    assert left(*records) == []
    can_run(monkeypatch)
    assert left(*records) == [0, 1]
    assert left(*records, recorded(block=0)) == [1]


def test_what_an_engine_itself_refused_is_not_asked_again(hosts: Hosts) -> None:
    assert left(recorded(status="unsupported", exit_code=0)) == [1]


@pytest.mark.parametrize(
    "changes",
    [
        {"machine": THERE},
        {"machine": dataclasses.replace(HERE, fingerprint="a" * 32)},
        {"cell_key": "b" * 32},
        {"placement": dataclasses.replace(make_record().placement, experiment="Any")},
    ],
    ids=["another machine", "other hardware", "other code or software", "another experiment in the same file"],
)
def test_what_was_measured_elsewhere_or_otherwise_does_not_count(hosts: Hosts, changes: dict[str, Any]) -> None:
    assert left(recorded(**changes)) == [0, 1]


def test_a_cell_s_key_changes_with_cell_code_and_software(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {session.cell_key(CELL), session.cell_key(make_cell("keras-tensorflow"))}
    monkeypatch.setattr(session, "environment_of", lambda cell: Environment("tensorflow", "d" * 32, "locked"))
    keys.add(session.cell_key(CELL))
    monkeypatch.setattr("engines.registry.code_hash", lambda slug: "another code")
    keys.add(session.cell_key(CELL))
    assert len(keys) == 4


# ---------------------------------------------------------------- what cannot run


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    session._why_not.cache_clear()
    monkeypatch.setattr(session, "why_not", lambda info, device, gpus: f"{device}?" if device == "gpu" else "")
    monkeypatch.setattr(machine, "allowed_cpus", lambda: (0, 1))
    monkeypatch.setattr(provenance, "gpus", tuple)
    yield
    session._why_not.cache_clear()


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
    cell = dataclasses.replace(CELL, device=device, threads=threads)
    assert session.why_unsupported(cell) == reason


@pytest.mark.usefixtures("ready")
def test_each_reason_is_told_once() -> None:
    cells = [dataclasses.replace(CELL, threads=threads) for threads in (1, 3, 3, 4, 2)]
    plan = Plan(SUITE, tuple(Block(0, (PlannedRun(cell, 0, 0, 7),)) for cell in cells))
    assert session.check_engines(plan) == [
        f"TensorFlow on the CPU: {threads} threads asked; this process may use 2 logical CPUs." for threads in (3, 4)
    ]


# ---------------------------------------------------------------- names and commands


@pytest.mark.parametrize(
    ("suite", "named"),
    [("quick", "--suite quick"), ("my lab", "--suite 'my lab.toml'"), ("lab", "--suite lab.toml")],
)
def test_the_command_that_repeats_a_run_names_its_cell(suite: str, named: str) -> None:
    command = provenance.command_for(make_cell("theano", Network("mlp", 8, 25)), suite)
    assert named in command
    assert "--engines theano --networks mlp:8x25 --devices cpu --threads 1 --blocks 1" in command
    assert "--synthetic" not in command


def test_the_command_for_synthetic_data_says_so() -> None:
    cell: Cell = make_cell()
    dataset = dataclasses.replace(cell.workload.dataset, source="synthetic")
    cell = dataclasses.replace(cell, workload=dataclasses.replace(cell.workload, dataset=dataset))
    assert "--synthetic" in provenance.command_for(cell, "quick")


def test_a_machine_keeps_the_name_it_was_given(tmp_path: Path) -> None:
    assert provenance.this_machine(" lab ", tmp_path).name == "lab"
    again: Machine = provenance.this_machine(None, tmp_path)
    assert again.name == "lab"
    (tmp_path / "machine.json").write_text("{")
    assert provenance.this_machine(None, tmp_path).name != "lab"
