"""What a sitting asks of earlier runs: enough to resume, to predict and to stop, without their records."""

from __future__ import annotations

from statistics import median
from typing import NamedTuple

from engines.contract import Cell
from engines.run_record import RunRecord, Status
from runs.records.run_records import timed_seconds


class Outline(NamedTuple):
    """Of one run. All times are in seconds."""

    run_id: str
    status: Status
    cell: Cell
    cell_key: str
    experiment: str
    suite: str
    block: int
    session: str
    machine: str
    fingerprint: str
    exit_code: int | None
    process_seconds: float
    seconds: float | None
    """The run's one number: the median of its steady epochs or of its calls; None if it did not finish."""
    timed_seconds: float
    """Of all its epochs or calls together, had each been a usual one: what else its process took is beside them."""


def outline(record: RunRecord) -> Outline:
    placement, machine = record.placement, record.machine
    return Outline(
        record.run_id,
        record.status,
        record.cell,
        record.cell_key,
        placement.experiment,
        placement.suite,
        placement.block,
        placement.session,
        machine.name,
        machine.fingerprint,
        record.exit_code,
        record.phases.process_seconds,
        timed_seconds(record),
        _usual_seconds_of_all(record),
    )


def _usual_seconds_of_all(record: RunRecord) -> float:
    """What is compiled within the first epoch is none of a usual one."""
    if record.inference:
        return record.inference.mean_seconds * (record.inference.calls + record.inference.warmup_calls)
    if record.training is None:
        return 0.0
    usual = median(epoch.wall_seconds for epoch in record.training.steady_epochs)
    return usual * len(record.training.epochs)
