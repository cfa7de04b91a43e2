"""Sittings for tests: real plan, session, canaries and spool; the host alone answers what a test sets."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engines import host
from engines.contract import Cell, Network
from engines.protocol import Event, Job
from engines.run_record import RunRecord, StopReason
from runs.bench import here, resuming, session
from runs.bench.gate import Verdicts
from runs.bench.stopping import Budget, Progress
from runs.records.outlines import outline
from runs.records.spool import Spool
from runs.suites.plan import Block, Plan, PlannedRun
from runs.suites.suite import Bench, Preset, Suite
from tests.records import ENVIRONMENT, MACHINE, make_cell, make_training

CELL = make_cell("tensorflow")
RIVAL = make_cell("keras-tensorflow")
CANARY_GFLOPS = 90.0


def make_suite(preset: Preset = "quick") -> Suite:
    return Suite("any", "Any", (Bench("mlp", (8,), (25,), ("tensorflow",)),), preset=preset)


def make_plan(*cells: Cell, blocks: int = 2, preset: Preset = "quick") -> Plan:
    """One group, if the cells share workload, device and threads; every block has its cells in the order given."""
    runs = [tuple(PlannedRun(cell, number, place, 7) for place, cell in enumerate(cells)) for number in range(blocks)]
    return Plan(make_suite(preset), tuple(Block(number, each) for number, each in enumerate(runs)))


class Watcher:
    def __init__(self) -> None:
        self.shown: list[RunRecord] = []
        self.events: list[Event] = []
        self.skipped: list[tuple[int, StopReason]] = []

    def on_event(self, planned: PlannedRun, event: Event) -> None:
        self.events.append(event)

    def show(self, record: RunRecord) -> None:
        self.shown.append(record)

    def skip(self, block: Block, reason: StopReason) -> None:
        self.skipped.append((block.number, reason))


class Hosts:
    """In place of the real host: gives the outcomes that a test sets, and keeps the jobs that it was given."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.outcomes: list[host.Outcome] = []
        self.interrupted_at: int | None = None
        self.canary_jobs: list[Job] = []
        self.canary_outcomes: list[host.Outcome] = []
        self.log: list[str] = []
        """What was asked for, in its order: canaries by their name, runs by their engine."""

    def run(self, python: Path, job: Job, *, timeout_seconds: float, on_event: Any = None) -> host.Outcome:
        self.log.append("canary" if job.kind == "canary" else job.setup.engine)
        if job.kind == "canary":
            self.canary_jobs.append(job)
            return self.canary_outcomes.pop(0) if self.canary_outcomes else canary()
        if self.interrupted_at == len(self.jobs):
            raise KeyboardInterrupt
        self.jobs.append(job)
        on_event({"event": "phase", "name": "imported"})
        return self.outcomes.pop(0) if self.outcomes else finished()


def canary(gflops: float = CANARY_GFLOPS) -> host.Outcome:
    return host.Outcome("finished", result={"gflops": gflops, "peak_gflops": gflops + 10})


def finished(epoch_seconds: float = 0.25, cell: Cell = CELL) -> host.Outcome:
    training = dataclasses.asdict(make_training(cell, epoch_seconds))
    result = {"training": training, "phases": {"import_seconds": 2.0, "compile_seconds": 0.5}}
    return host.Outcome("finished", result=result, exit_code=0, process_seconds=9.0, process_cpu_seconds=8.0)


def install(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    hosts = Hosts()
    monkeypatch.setattr(host, "run", hosts.run)
    for module in (here, session):
        monkeypatch.setattr(module, "environment_of", lambda cell, release="": ENVIRONMENT)
    monkeypatch.setattr(session, "python_of", lambda cell, release: Path("python"))
    can_run(monkeypatch)
    return hosts


def can_run(monkeypatch: pytest.MonkeyPatch, reason: str = "") -> None:
    for module in (resuming, session):
        monkeypatch.setattr(module, "cannot_run", lambda run: reason)


def spool_in(folder: Path) -> Spool:
    return Spool(folder / "any.jsonl")


def sitting(
    folder: Path,
    plan: Plan,
    *,
    stored: list[RunRecord] | None = None,
    budget: Budget | None = None,
    before: Sequence[RunRecord] = (),
) -> session.Session:
    """As runbench makes it: `before` are the experiment's records so far. What is stored is added to `stored`."""
    return session.Session(
        plan=plan,
        experiment="any",
        machine=MACHINE,
        spool=spool_in(folder),
        store=(stored if stored is not None else []).extend,
        verdicts=Verdicts(folder / "equivalence.json"),
        budget=budget or Budget(None, lambda block: 0.0),
        progress=Progress.of(map(outline, before)),
    )


def small(engine: str = "tensorflow", width: int = 25, **changes: Any) -> Cell:
    return make_cell(engine, Network("mlp", 8, width), **changes)
