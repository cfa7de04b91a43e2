"""Run records for tests: plausible, whole, and each of its own id."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

from engines import networks
from engines.contract import Cell, DataSet, Network, Optimizer, Workload, content_hash
from engines.run_record import (
    Code,
    Environment,
    Epoch,
    Inference,
    Machine,
    Phases,
    Placement,
    RunRecord,
    Status,
    Training,
)
from runs.suites.plan import PlannedRun

SHUTTLE = DataSet("shuttle", "shipped", "98baa9ae" * 8, 43_500, 14_500)
IMAGES = DataSet("cifar10", "downloaded", "c4a38c50" * 8, 5_000, 2_000)
MACHINE = Machine(
    name="lab-1", fingerprint="f" * 32, cpu="Test CPU 3000", sockets=1, cores=4, threads=8, memory_bytes=16 * 2**30
)
ENVIRONMENT = Environment("tensorflow", "e" * 32, "locked", python="CPython 3.11.7", packages={"numpy": "2.4.6"})


def make_cell(engine: str = "tensorflow", network: Network = Network("mlp", 8, 25), **changes: Any) -> Cell:
    dataset = changes.pop("dataset", SHUTTLE if network.type == "mlp" else IMAGES)
    cell = Cell(Workload(network, dataset), engine, track="idiomatic", device="cpu", threads=1)
    return dataclasses.replace(cell, **changes)


def make_training(cell: Cell, epoch_seconds: float, epochs: int = 5, warmup_epochs: int = 2) -> Training:
    workload = cell.workload
    samples = workload.dataset.train_samples
    return Training(
        epochs=tuple(Epoch(epoch_seconds, epoch_seconds, loss=1.0 / (1 + number)) for number in range(epochs)),
        warmup_epochs=warmup_epochs,
        parameters=networks.parameters(workload.network),
        flops_per_epoch=networks.flops_per_epoch(workload.network, samples=samples, batch_size=workload.batch_size),
        steps_per_epoch=networks.steps_per_epoch(samples, workload.batch_size),
        threads_observed=1.0,
        peak_rss_bytes=500 * 2**20,
        test_loss=0.5,
        test_accuracy=0.9,
    )


def make_record(
    engine: str = "tensorflow",
    network: Network = Network("mlp", 8, 25),
    *,
    epoch_seconds: float = 0.25,
    block: int = 0,
    status: Status = "finished",
    reason: str = "",
    experiment: str = "quick",
    cell: Cell | None = None,
    **changes: Any,
) -> RunRecord:
    """A record of one run; `changes` replace whole parts (machine, environment, run_id, conditions …)."""
    cell = cell or make_cell(engine, network)
    record = RunRecord(
        run_id=str(uuid.uuid4()),
        status=status,
        reason=reason or ("" if status == "finished" else f"This run is {status}."),
        started_at="2026-11-24T08:00:00+00:00",
        finished_at="2026-11-24T08:00:10+00:00",
        cell=cell,
        placement=Placement(experiment, "quick", "quick", block=block, position=0, seed=7),
        machine=MACHINE,
        environment=ENVIRONMENT,
        code=Code("0.1.0", "0" * 40, dirty=False, engine_sha256="a" * 32),
        cell_key=content_hash(cell),
        command="python manage.py runbench",
        phases=Phases(import_seconds=2.0, compile_seconds=0.5, process_seconds=8.0),
        training=make_training(cell, epoch_seconds) if status == "finished" else None,
    )
    return dataclasses.replace(record, **changes)


def make_inference(cell: Cell, median_seconds: float = 1e-3, calls: int = 1000) -> Inference:
    """Calls between half and twice the median; the tail is half as long again."""
    factors = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.5, 1.8, 2.0)
    workload = cell.workload
    return Inference(
        calls=calls,
        warmup_calls=10,
        seconds=1.05 * median_seconds * calls,
        quantiles=tuple(factor * median_seconds for factor in factors),
        parameters=networks.parameters(workload.network),
        flops_per_call=networks.flops_per_call(workload.network, workload.batch_size),
        threads_observed=1.0,
        peak_rss_bytes=400 * 2**20,
    )


def asked(cell: Cell, *, batch_size: int = 100) -> Cell:
    """The same network, asked instead of trained."""
    workload = dataclasses.replace(cell.workload, task="infer", optimizer=Optimizer(), batch_size=batch_size)
    return dataclasses.replace(cell, workload=workload)


def make_inference_record(
    engine: str = "tensorflow",
    network: Network = Network("mlp", 8, 25),
    *,
    median_seconds: float = 1e-3,
    batch_size: int = 100,
    **changes: Any,
) -> RunRecord:
    cell = changes.pop("cell", None) or asked(make_cell(engine, network), batch_size=batch_size)
    return make_record(cell=cell, **{"training": None, "inference": make_inference(cell, median_seconds), **changes})


def planned(cell: Cell, release: str = "", block: int = 0) -> PlannedRun:
    """One run of the cell, as a plan would have it."""
    return PlannedRun(cell, block, 0, 1, release)
