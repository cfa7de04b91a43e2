"""What an analysis outside of the site starts from: runs, their epochs and the summaries of cells as flat rows.

Everything by which runs are told apart stands in each row, so that a query needs no joins, and cannot mix by accident
what was not alike. Seconds, bytes and counts as their names say; null where a run has no such thing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from engines.contract import content_hash
from runs.models import Run, Summary, Workload

_CHUNK = 1_000
_OF_CELLS = ("experiment", "machine", "environment", "workload")
_OF_RUNS = (*_OF_CELLS, "environment_part", "machine_part")


@dataclass(frozen=True, kw_only=True)
class CellRow:
    """Where a run or a summary stands."""

    cell: str
    """Group by it: runs of one cell are alike in all that follows but the gate's word, and no others are."""
    experiment: str
    machine: str
    cpu: str
    gpus: str
    """One after another, separated by ` + `; empty without any."""
    environment: str
    environment_sha256: str
    engine: str
    engine_sha256: str
    """The hash of the engine's own files."""
    track: str
    device: str
    threads: int
    task: str
    network: str
    layers: int
    width: int
    options: str
    dataset: str
    data_source: str
    data_sha256: str
    train_samples: int
    test_samples: int
    batch_size: int
    optimizer: str
    learning_rate: float
    replicas: int
    parameters: int
    flops: int
    """Of an epoch, or of a call where the task is `infer`."""
    equivalence: str
    """The gate's word: passed, failed or unverified."""


@dataclass(frozen=True, kw_only=True)
class RunRow(CellRow):
    run_id: str
    status: str
    reason: str
    block: int
    position: int
    seed: int
    started_at: datetime
    finished_at: datetime
    received_at: datetime
    lasted_seconds: float
    seconds: float | None
    """Of the median steady epoch, or of the median call."""
    tail_seconds: float | None
    """The calls' 99th percentile."""
    mean_seconds: float | None
    """Of a call."""
    first_epoch_seconds: float | None
    compile_seconds: float | None
    peak_rss_bytes: int | None
    peak_device_bytes: int | None
    test_accuracy: float | None
    joules: float | None
    """Of the steady epochs; `record` says by which counters."""
    unstable: str
    """Why its block is marked unstable; empty if it is not."""
    is_excluded: bool
    exclusion_reason: str
    record: str
    """The whole run record, JSON: what was uploaded, to the letter."""


@dataclass(frozen=True, kw_only=True)
class EpochRow:
    run_id: str
    epoch: int
    is_steady: bool
    """False for the warm-up epochs, which no comparison reads."""
    wall_seconds: float
    cpu_seconds: float
    loss: float | None


@dataclass(frozen=True, kw_only=True)
class SummaryRow(CellRow):
    """`seconds` and `blocks` are of the newest finished runs, one for each, in the order of blocks."""

    finished_runs: int
    other_runs: int
    """Failed, unsupported or excluded."""
    geometric_mean_seconds: float | None
    seconds: list[float]
    blocks: list[int]
    tail_seconds: list[float]
    newest_run_at: datetime
    reason: str


def run_and_epoch_rows(runs: QuerySet[Run]) -> Iterator[tuple[RunRow, list[EpochRow]]]:
    """Each run with its epochs, the oldest first, in constant memory."""
    found = runs.prefetch_related(*_OF_RUNS).order_by("finished_at", "id")
    for run in found.iterator(chunk_size=_CHUNK):
        record = run.record
        yield _run_row(run, record), list(_epoch_rows(str(run.run_id), record.get("training") or {}))


def summary_rows(summaries: QuerySet[Summary]) -> Iterator[SummaryRow]:
    found = summaries.prefetch_related(*_OF_CELLS).order_by("pk")
    return (_summary_row(row) for row in found.iterator(chunk_size=_CHUNK))


def _run_row(run: Run, record: Mapping[str, Any]) -> RunRow:
    training, phases = record.get("training") or {}, record.get("phases") or {}
    gave = training or record.get("inference") or {}
    first: Mapping[str, Any] = next(iter(training.get("epochs") or ()), {})
    return RunRow(
        **_cell(run),
        run_id=str(run.run_id),
        status=run.status,
        reason=run.reason,
        block=run.block,
        position=run.position,
        seed=record["placement"]["seed"],
        started_at=run.started_at,
        finished_at=run.finished_at,
        received_at=run.received_at,
        lasted_seconds=run.lasted_seconds,
        seconds=run.seconds,
        tail_seconds=run.tail_seconds,
        mean_seconds=run.mean_seconds,
        first_epoch_seconds=first.get("wall_seconds"),
        compile_seconds=phases.get("compile_seconds"),
        peak_rss_bytes=gave.get("peak_rss_bytes"),
        peak_device_bytes=gave.get("peak_device_bytes"),
        test_accuracy=training.get("test_accuracy"),
        joules=(training.get("energy") or {}).get("joules"),
        unstable="; ".join((record.get("conditions") or {}).get("unstable") or ()),
        is_excluded=run.is_excluded,
        exclusion_reason=run.exclusion_reason,
        record=json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False),
    )


def _epoch_rows(run_id: str, training: Mapping[str, Any]) -> Iterator[EpochRow]:
    for number, epoch in enumerate(training.get("epochs") or ()):
        yield EpochRow(
            run_id=run_id,
            epoch=number,
            is_steady=number >= training["warmup_epochs"],
            wall_seconds=epoch["wall_seconds"],
            cpu_seconds=epoch["cpu_seconds"],
            loss=epoch.get("loss"),
        )


def _summary_row(row: Summary) -> SummaryRow:
    logs = [log for _, log in row.samples]
    finished = row.status_counts.get("finished", 0)
    return SummaryRow(
        **_cell(row),
        finished_runs=finished,
        other_runs=sum(row.status_counts.values()) - finished,
        geometric_mean_seconds=math.exp(math.fsum(logs) / len(logs)) if logs else None,
        seconds=[math.exp(log) for log in logs],
        blocks=[block for block, _ in row.samples],
        tail_seconds=[math.exp(log) for _, log in row.tails],
        newest_run_at=row.newest_run_at,
        reason=row.reason,
    )


def _cell(row: Run | Summary) -> dict[str, Any]:
    hardware = row.machine.hardware
    of = [row.experiment.slug, row.machine.name, row.environment.sha256, row.workload.key, row.engine]
    of += [row.engine_sha256, row.track, row.device, row.threads]
    return {
        "cell": content_hash(*of)[:16],
        "experiment": row.experiment.slug,
        "machine": row.machine.name,
        "cpu": hardware.get("cpu", ""),
        "gpus": " + ".join(hardware.get("gpus", ())),
        "environment": row.environment.name,
        "environment_sha256": row.environment.sha256,
        "engine": row.engine,
        "engine_sha256": row.engine_sha256,
        "track": row.track,
        "device": row.device,
        "threads": row.threads,
        "equivalence": row.equivalence,
        **_workload(row.workload),
    }


def _workload(row: Workload) -> dict[str, Any]:
    return {
        "task": row.task,
        "network": row.network_type,
        "layers": row.hidden_layers,
        "width": row.width,
        "options": row.options,
        "dataset": row.dataset,
        "data_source": row.data_source,
        "data_sha256": row.data_sha256,
        "train_samples": row.train_samples,
        "test_samples": row.test_samples,
        "batch_size": row.batch_size,
        "optimizer": row.optimizer,
        "learning_rate": row.learning_rate,
        "replicas": row.replicas,
        "parameters": row.parameters,
        "flops": row.flops,
    }
