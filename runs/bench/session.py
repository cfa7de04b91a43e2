"""One sitting of an experiment: run what the spool does not hold yet, block by block, and lose nothing."""

from __future__ import annotations

import dataclasses
import sys
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol

from engines import canary, host, machine, registry
from engines.contract import (
    Cell,
    Conditions,
    Device,
    Environment,
    Epoch,
    Machine,
    Network,
    Phases,
    Placement,
    RunRecord,
    Setup,
    Training,
    content_hash,
)
from engines.environments import environments
from engines.environments.readiness import why_not
from engines.errors import UnavailableError
from engines.protocol import Event, Job
from runs.bench import provenance
from runs.spool import Spool
from runs.suites.plan import Plan, PlannedRun, without
from runs.suites.suite import Suite

_SITE_PYTHON = Path(sys.executable)
_CANARY_TIMEOUT_SECONDS = 60.0


class Watcher(Protocol):
    """Whoever looks on."""

    def on_event(self, planned: PlannedRun, event: Event) -> None:
        """Something happened within a run."""

    def show(self, record: RunRecord) -> None:
        """A run is over and stored."""


@dataclass(frozen=True)
class Session:
    """What to run, under which names, and where its records go: the spool first, then `store`."""

    plan: Plan
    experiment: str
    machine: Machine
    spool: Spool
    store: Callable[[RunRecord], None]


def carry_out(session: Session, watcher: Watcher) -> list[RunRecord]:
    """Run the plan's runs in their order. Ctrl-C ends it between or within runs; what was finished is in the spool."""
    made: list[RunRecord] = []
    for planned in session.plan.runs:
        record = measure(session, planned, partial(watcher.on_event, planned))
        session.spool.append(record)
        session.store(record)
        watcher.show(record)
        made.append(record)
    return made


# ---------------------------------------------------------------- resuming


def cell_key(cell: Cell) -> str:
    """The identity of a measurement: the cell, the engine's code, and the exact software it runs on."""
    return content_hash(cell, registry.code_hash(cell.engine), environment_of(cell).sha256)


def remaining(plan: Plan, records: Iterable[RunRecord], machine_now: Machine, experiment: str) -> Plan:
    """What is planned and not validly recorded in this experiment on this machine."""
    recorded = {
        (record.cell_key, record.placement.block): record
        for record in records
        if record.placement.experiment == experiment
        and (record.machine.name, record.machine.fingerprint) == (machine_now.name, machine_now.fingerprint)
    }

    def is_done(planned: PlannedRun) -> bool:
        record = recorded.get((cell_key(planned.cell), planned.block))
        return record is not None and not _can_be_tried_again(record)

    return without(plan, is_done)


def _can_be_tried_again(record: RunRecord) -> bool:
    """An unsupported run whose cause is gone. What an engine itself refused (it has an exit code), it refuses again."""
    return record.status == "unsupported" and record.exit_code is None and not why_unsupported(record.cell)


def why_unsupported(cell: Cell) -> str:
    """Why this cell cannot run here and what to do; empty if it can be tried."""
    info = registry.find(cell.engine)
    if cell.device not in info.devices:
        return f"{info.title} has no way to use a {cell.device.upper()}."
    cpus = len(machine.allowed_cpus())
    if cell.device == "cpu" and cell.threads > cpus:
        return f"{cell.threads} threads asked; this process may use {cpus} logical CPUs."
    return _why_not(cell.engine, cell.device)


@cache
def _why_not(engine: str, device: Device) -> str:
    return why_not(registry.find(engine), device, provenance.gpus())


def environment_of(cell: Cell) -> Environment:
    """The software that trains this cell here; an environment that is not installed has an identity, too."""
    return _environment(cell.engine, cell.device)


@cache
def _environment(engine: str, device: Device) -> Environment:
    info = environments.environment_for(registry.find(engine), device)
    try:
        return environments.describe(info)
    except UnavailableError:
        return Environment(name=info.name, sha256=content_hash(info.name, "missing"), origin="missing")


# ---------------------------------------------------------------- one run


def measure(session: Session, planned: PlannedRun, on_event: Callable[[Event], None]) -> RunRecord:
    """The record of one planned run, however it ends."""
    started_at = datetime.now(UTC)
    reason = why_unsupported(planned.cell)
    if reason:
        return _record(session, planned, started_at, host.Outcome(status="unsupported", reason=host.scrub(reason)))
    before = machine.readings()
    outcome = _train(planned, session.plan.suite, on_event)
    record = _record(session, planned, started_at, outcome)
    conditions = conditions_of(planned.cell, before, machine.readings())
    return dataclasses.replace(record, conditions=conditions)


def _train(planned: PlannedRun, suite: Suite, on_event: Callable[[Event], None]) -> host.Outcome:
    cell = planned.cell
    job = Job(
        kind="train",
        setup=setup_of(cell),
        dataset=cell.workload.dataset,
        seed=planned.seed,
        policy=suite.policy,
        cpus=machine.allowed_cpus()[: cell.threads] if cell.device == "cpu" else (),
    )
    return host.run(python_of(cell), job, timeout_seconds=suite.timeout_seconds, on_event=on_event)


def setup_of(cell: Cell) -> Setup:
    return Setup(
        engine=cell.engine,
        network=cell.workload.network,
        batch_size=cell.workload.batch_size,
        learning_rate=cell.workload.optimizer.learning_rate,
        track=cell.track,
        device=cell.device,
        threads=cell.threads,
    )


def python_of(cell: Cell) -> Path:
    return environments.python_of(environments.environment_for(registry.find(cell.engine), cell.device))


def _record(session: Session, planned: PlannedRun, started_at: datetime, outcome: host.Outcome) -> RunRecord:
    cell, suite = planned.cell, session.plan.suite
    return RunRecord(
        run_id=str(uuid.uuid4()),
        status=outcome.status,
        reason=outcome.reason,
        started_at=started_at.isoformat(),
        finished_at=datetime.now(UTC).isoformat(),
        cell=cell,
        placement=Placement(
            experiment=session.experiment,
            suite=suite.name,
            preset=suite.preset,
            block=planned.block,
            position=planned.position,
            seed=planned.seed,
        ),
        machine=session.machine,
        environment=environment_of(cell),
        code=provenance.code_of(cell.engine),
        cell_key=cell_key(cell),
        command=provenance.command_for(cell, suite.name),
        phases=_phases(outcome),
        training=_training(outcome.result.get("training")),
        exit_code=outcome.exit_code,
        stderr_tail=outcome.stderr_tail,
    )


def _phases(outcome: host.Outcome) -> Phases:
    return Phases(
        **outcome.result.get("phases", {}),
        process_seconds=outcome.process_seconds,
        process_cpu_seconds=outcome.process_cpu_seconds,
    )


def _training(document: dict[str, Any] | None) -> Training | None:
    if document is None:
        return None
    epochs = tuple(Epoch(**epoch) for epoch in document["epochs"])
    return Training(**{**document, "epochs": epochs})


# ---------------------------------------------------------------- the machine's state


def conditions_of(cell: Cell, before: machine.Readings, after: machine.Readings) -> Conditions:
    """What the run met: the machine's readings around it, the session's canary, and why it is marked unstable."""
    rates = session_canary(cell.threads) if cell.device == "cpu" else {}
    return Conditions(
        readings=machine.delta(before, after),
        canary_gflops=rates.get("gflops"),
        peak_gflops=rates.get("peak_gflops"),
        unstable=canary.instability_reasons([], None, before=before, after=after),
    )


@cache
def session_canary(threads: int) -> dict[str, Any]:
    """Rates of the canary's matrix product on so many threads, taken once a session; empty where it cannot run."""
    job = Job("canary", Setup("", Network("mlp", 1, 1), threads=threads), cpus=machine.allowed_cpus()[:threads])
    return host.run(_SITE_PYTHON, job, timeout_seconds=_CANARY_TIMEOUT_SECONDS).result


def check_engines(plan: Plan) -> list[str]:
    """For each engine and device of the plan that cannot run here: why, and what to do."""
    reasons = dict.fromkeys((cell.engine, cell.device, why_unsupported(cell)) for cell in plan.cells)
    return [
        f"{registry.find(engine).title} on the {device.upper()}: {reason}"
        for engine, device, reason in reasons
        if reason
    ]
