"""Profiles instead of runs: each cell of a plan once, with its framework's own profiler. No blocks, no times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engines import host, registry
from engines.contract import Cell
from engines.profile_record import Operation, Profile, ProfileRecord
from engines.protocol import Job
from engines.run_record import Machine
from runs.bench import provenance
from runs.bench.here import cannot_run, cell_key, cpus_for, environment_of, python_of, setup_of
from runs.errors import RunsError
from runs.records.run_ids import new_run_id
from runs.suites.plan import Plan, PlannedRun

SHOWN_OPERATIONS = 10
_NOT_WITH = ("blocks", "budget", "experiment", "fresh", "upload", "plan", "only", "session")
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Outcome:
    """A profile, or why there is none."""

    cell: Cell
    record: ProfileRecord | None = None
    reason: str = ""


def refuse_other_options(options: dict[str, Any]) -> None:
    """Raises RunsError for options that a profile could not heed."""
    given = [name for name in _NOT_WITH if options[name]]
    if given:
        words = ", ".join(f"--{name}" for name in given)
        raise RunsError(
            f"--profile takes each cell once, belongs to no experiment and stays on this machine: leave out {words}."
        )


def take(plan: Plan, machine: Machine, gpu_index: int = 0) -> Iterator[Outcome]:
    """One for each cell, in the plan's order."""
    first = {(run.cell, run.release): run for run in reversed(plan.runs)}
    for run in reversed(first.values()):
        reason = cannot_run(run) or _why_no_profile(run.cell)
        yield Outcome(run.cell, reason=reason) if reason else _profile(run, plan, machine, gpu_index)


def _why_no_profile(cell: Cell) -> str:
    return "" if cell.workload.task == "train" else "Profiles are taken of training alone."


def _profile(planned: PlannedRun, plan: Plan, machine: Machine, gpu_index: int) -> Outcome:
    cell, suite = planned.cell, plan.suite
    started_at = datetime.now(UTC)
    job = Job("profile", setup_of(cell, gpu_index), cell.workload.dataset, seed=planned.seed, cpus=cpus_for(cell))
    outcome = host.run(python_of(cell, planned.release), job, timeout_seconds=suite.timeout_seconds)
    if not outcome.finished:
        return Outcome(cell, reason=f"{outcome.status.replace('_', ' ')}. {outcome.reason}")
    return Outcome(cell, _record(planned, suite.name, machine, started_at, outcome.result["profile"]))


def _record(
    planned: PlannedRun, suite: str, machine: Machine, started_at: datetime, document: dict[str, Any]
) -> ProfileRecord:
    cell = planned.cell
    operations = tuple(Operation(**operation) for operation in document["operations"])
    return ProfileRecord(
        profile_id=new_run_id(),
        started_at=started_at.isoformat(),
        finished_at=datetime.now(UTC).isoformat(),
        cell=cell,
        machine=machine,
        environment=environment_of(cell, planned.release),
        code=provenance.code_of(cell),
        cell_key=cell_key(cell, planned.release),
        command=provenance.command_for(cell, suite, release=planned.release, as_profile=True),
        profile=Profile(**{**document, "operations": operations}),
    )


# ---------------------------------------------------------------- what a person sees


def lines(outcome: Outcome) -> list[str]:
    """The cell and its longest operations, as a table that fits a terminal."""
    head = _title(outcome.cell)
    if outcome.record is None:
        return [f"{head}: no profile: {outcome.reason}"]
    profile = outcome.record.profile
    rows = [_row(operation, profile.steps) for operation in profile.operations[:SHOWN_OPERATIONS]]
    left = len(profile.operations) - len(rows)
    return [
        f"{head}: profile by {profile.profiler} {profile.profiler_version} over {profile.steps} steps",
        f"  {'share':>7}  {'ms/step':>9}  {'calls/step':>10}  operation",
        *rows,
        *([f"  and {left} more"] if left else []),
        f"  Operations: {_milliseconds(profile.total_seconds, profile.steps)} ms of "
        f"{_milliseconds(profile.wall_seconds, profile.steps)} ms a step, slowed by the profiler.",
    ]


def _title(cell: Cell) -> str:
    threads = f"{cell.threads} thread{'s' if cell.threads > 1 else ''}"
    synthetic = " (synthetic)" if cell.workload.dataset.source == "synthetic" else ""
    return (
        f"{registry.find(cell.engine).title} · {cell.workload.network} · {cell.workload.dataset.name}{synthetic} · "
        f"{cell.device.upper()}, {threads} · {cell.track}"
    )


def _row(operation: Operation, steps: int) -> str:
    name = operation.name if len(operation.name) <= _LONGEST_NAME else f"{operation.name[: _LONGEST_NAME - 1]}…"
    time = _milliseconds(operation.seconds, steps)
    return f"  {100 * operation.share:6.1f}%  {time:>9}  {operation.calls / steps:>10.3g}  {name}"


def _milliseconds(seconds: float, steps: int) -> str:
    return f"{1000 * seconds / steps:.3g}"
