"""One sitting of an experiment: run what the spool does not hold yet, block by block, and lose nothing."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from engines import canary, host, machine
from engines.contract import Cell, Device
from engines.machine import energy
from engines.protocol import Event, Job
from engines.run_record import (
    Conditions,
    Energy,
    Epoch,
    Inference,
    Machine,
    Phases,
    Placement,
    RunRecord,
    StopReason,
    Training,
)
from runs.bench import provenance
from runs.bench.canaries import Canaries, Rate
from runs.bench.gate import Verdicts
from runs.bench.here import cannot_run, cell_key, cpus_for, environment_of, python_of, setup_of
from runs.bench.stopping import Budget, Progress
from runs.records.outlines import Outline, outline
from runs.records.run_ids import new_run_id
from runs.records.spool import Spool
from runs.suites.plan import Block, Plan, PlannedRun, of_blocks, until_next


class Watcher(Protocol):
    """Whoever looks on."""

    def on_event(self, planned: PlannedRun, event: Event) -> None:
        """Something happened within a run."""

    def show(self, record: RunRecord) -> None:
        """A run is over, and in the spool."""

    def skip(self, block: Block, reason: StopReason) -> None:
        """A block of the plan is not needed, or there is no time for it."""


@dataclass
class Idle:
    """What the machine takes while nothing is measured: looked at once a sitting, where counters of energy are open."""

    known: dict[Device, float | None] = field(default_factory=dict)

    def watts(self, device: Device, index: int) -> float | None:
        if device not in self.known:
            self.known[device] = energy.idle_watts(device, index)
        return self.known[device]


@dataclass(frozen=True)
class Session:
    """What to run, under which names, and where its records go: the spool first, then, by block, `store`."""

    plan: Plan
    experiment: str
    machine: Machine
    spool: Spool
    store: Callable[[Sequence[RunRecord]], None]
    verdicts: Verdicts
    budget: Budget
    progress: Progress = field(default_factory=Progress)
    canaries: Canaries = field(default_factory=Canaries)
    gpu_index: int = 0
    """Which GPU does what GPUs do, by the number that nvidia-smi gives it."""
    learn: Callable[[Outline], object] = lambda run: None
    """Whoever predicts what later blocks will take."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    idle: Idle = field(default_factory=Idle)
    only: frozenset[str] = frozenset()
    """Of the plan's blocks those of these ids; all of them if it is empty. Where a group ends, the whole plan says."""

    @property
    def chosen(self) -> Plan:
        return of_blocks(self.plan, self.only)


def carry_out(session: Session, watcher: Watcher) -> list[RunRecord]:
    """Run the plan's blocks in their order. Ctrl-C ends it anywhere; what was finished is in the spool."""
    made: list[RunRecord] = []
    for block in session.chosen.blocks:
        reason = why_skip(session, block)
        if reason:
            watcher.skip(block, reason)
        else:
            made += run_block(session, block, watcher)
    return made


def why_skip(session: Session, block: Block) -> StopReason | None:
    """A rigorous suite's group that is precise by now needs no more blocks; a budget ends before what ends too late."""
    if not _costs_time(block):
        return None
    if _is_precise(session, block):
        return "precise"
    return None if session.budget.allows([block]) else "out of budget"


def _costs_time(block: Block) -> bool:
    return any(not cannot_run(run) for run in block.runs)


def _is_precise(session: Session, block: Block) -> bool:
    return session.plan.suite.is_adaptive and session.progress.is_precise(block.group)


# ---------------------------------------------------------------- a block


def run_block(session: Session, block: Block, watcher: Watcher) -> list[RunRecord]:
    """Run a block between two canaries. Each record is spooled at once, and again with what only the end shows."""
    before = _canary_before(session, block)
    records: list[RunRecord] = []
    try:
        for planned in block.runs:
            record = measure(session, planned, before, partial(watcher.on_event, planned))
            session.spool.append(record)
            session.progress.add(outline(record))
            session.learn(outline(record))
            watcher.show(record)
            records.append(record)
    except KeyboardInterrupt:
        session.store(records)
        raise
    return _close(session, block, records, before)


def _canary_before(session: Session, block: Block) -> Rate:
    """Once a sitting in quick suites, else before each block; none where the GPU does the work."""
    cell = block.runs[0].cell
    if cell.device != "cpu" or not _costs_time(block):
        return Rate()
    once = session.plan.suite.is_quick
    return session.canaries.once(cell.threads) if once else session.canaries.take(cell.threads)


def _close(session: Session, block: Block, records: list[RunRecord], before: Rate) -> list[RunRecord]:
    """Mark the block's records with the canary after it and with a reason to stop; the spool gets what changed."""
    threads = block.runs[0].cell.threads
    after = Rate() if session.plan.suite.is_quick or before.gflops is None else session.canaries.take(threads)
    strayed = canary.instability_reasons(
        [rate.gflops for rate in (before, after) if rate.gflops], session.canaries.median(threads)
    )
    stop = _why_stop_after(session, block)
    closed = [_closed(record, after, strayed, stop) for record in records]
    for record, revised in zip(records, closed, strict=True):
        if revised != record:
            session.spool.append(revised)
    session.store(closed)
    return closed


def _why_stop_after(session: Session, block: Block) -> StopReason | None:
    """Why this will be its group's last block; a number of blocks that was fixed beforehand needs no reason.

    The budget's end is foreseen: by what the blocks up to the group's next one are predicted to take.
    """
    if not _costs_time(block):
        return None
    if _is_precise(session, block):
        return "precise"
    ahead = until_next(session.plan, block)
    if not ahead:
        return "block limit" if session.plan.suite.is_adaptive else None
    needed = [each for each in ahead if not _is_precise(session, each)]
    return None if ahead[-1] in session.budget.fitting(needed) else "out of budget"


def _closed(record: RunRecord, after: Rate, strayed: tuple[str, ...], stop: StopReason | None) -> RunRecord:
    conditions = dataclasses.replace(
        record.conditions, canary_after_gflops=after.gflops, unstable=(*record.conditions.unstable, *strayed)
    )
    placement = dataclasses.replace(record.placement, stop_reason=stop)
    return dataclasses.replace(record, conditions=conditions, placement=placement)


# ---------------------------------------------------------------- one run


def measure(session: Session, planned: PlannedRun, before: Rate, on_event: Callable[[Event], None]) -> RunRecord:
    """The record of one planned run, however it ends. `before` is the canary before its block."""
    started_at = datetime.now(UTC)
    reason = cannot_run(planned)
    if reason:
        return _record(session, planned, started_at, host.Outcome(status="unsupported", reason=host.scrub(reason)))
    idle_watts = session.idle.watts(planned.cell.device, session.gpu_index)
    readings = machine.readings()
    outcome = _ask_worker(session, planned, on_event)
    record = _record(session, planned, started_at, outcome, idle_watts)
    conditions = _conditions(session, planned.cell, before, readings, machine.readings())
    return dataclasses.replace(record, conditions=conditions)


def _ask_worker(session: Session, planned: PlannedRun, on_event: Callable[[Event], None]) -> host.Outcome:
    cell, suite = planned.cell, session.plan.suite
    job = Job(
        kind=cell.workload.task,
        setup=setup_of(cell, session.gpu_index),
        dataset=cell.workload.dataset,
        seed=planned.seed,
        policy=suite.policy,
        calls=suite.call_policy,
        cpus=cpus_for(cell),
    )
    return host.run(python_of(cell, planned.release), job, timeout_seconds=suite.timeout_seconds, on_event=on_event)


def _record(
    session: Session, planned: PlannedRun, started_at: datetime, outcome: host.Outcome, idle_watts: float | None = None
) -> RunRecord:
    cell, suite = planned.cell, session.plan.suite
    equivalence, gate = session.verdicts.standing(cell, planned.release)
    return RunRecord(
        run_id=new_run_id(),
        status=outcome.status,
        reason=outcome.reason,
        started_at=started_at.isoformat(),
        finished_at=datetime.now(UTC).isoformat(),
        cell=cell,
        placement=_placement(session, planned),
        machine=session.machine,
        environment=environment_of(cell, planned.release),
        code=provenance.code_of(cell),
        cell_key=cell_key(cell, planned.release),
        command=provenance.command_for(cell, suite.name, release=planned.release, gpu_index=session.gpu_index),
        phases=_phases(outcome),
        training=_training(outcome.result.get("training"), idle_watts),
        inference=_inference(outcome.result.get("inference")),
        equivalence=equivalence,
        gate=gate,
        exit_code=outcome.exit_code,
        stderr_tail=outcome.stderr_tail,
    )


def _placement(session: Session, planned: PlannedRun) -> Placement:
    return Placement(
        experiment=session.experiment,
        suite=session.plan.suite.name,
        preset=session.plan.suite.preset,
        block=planned.block,
        position=planned.position,
        seed=planned.seed,
        session=session.id,
    )


def _phases(outcome: host.Outcome) -> Phases:
    return Phases(
        **outcome.result.get("phases", {}),
        process_seconds=outcome.process_seconds,
        process_cpu_seconds=outcome.process_cpu_seconds,
    )


def _training(document: dict[str, Any] | None, idle_watts: float | None) -> Training | None:
    if document is None:
        return None
    epochs, used = tuple(Epoch(**epoch) for epoch in document["epochs"]), document.get("energy")
    metered = Energy(**{**used, "idle_watts": idle_watts}) if used else None
    return Training(**{**document, "epochs": epochs, "energy": metered})


def _inference(document: dict[str, Any] | None) -> Inference | None:
    return None if document is None else Inference(**{**document, "quantiles": tuple(document["quantiles"])})


def _conditions(
    session: Session, cell: Cell, canary_before: Rate, before: machine.Readings, after: machine.Readings
) -> Conditions:
    """What the run met: the canary before its block, the machine's readings around it, and what was amiss in them."""
    indices = range(session.gpu_index, session.gpu_index + cell.workload.replicas)
    used = {"GPU used": ", ".join(map(provenance.gpu_words, indices))} if cell.device == "gpu" else {}
    withheld = energy.why_withheld()
    if not withheld and cell.device == "gpu" and cell.workload.replicas > 1:
        withheld = "several GPUs are not added up yet"
    if withheld:
        used["energy"] = f"withheld: {withheld}"
    return Conditions(
        readings=machine.delta(before, after) | used,
        canary_gflops=canary_before.gflops,
        peak_gflops=session.canaries.peak(cell.threads) if cell.device == "cpu" else None,
        unstable=canary.instability_reasons([], None, before=before, after=after),
    )
