"""Rows of the database into the API's documents."""

from __future__ import annotations

from typing import Any

from engines.registry import ENGINES
from runs import models
from runs.api import documents
from runs.selectors.coverage import Extent
from runs.words.engines import engine_title


def extent(found: Extent) -> documents.Extent:
    return documents.Extent(
        cells=found.cells,
        engines=found.engines,
        machines=found.machines,
        experiments=found.experiments,
        newest_run_at=found.newest_run_at,
    )


def experiment(row: models.Experiment, found: Extent) -> documents.Experiment:
    return documents.Experiment(
        slug=row.slug,
        name=row.name,
        suite=row.suite,
        preset=row.preset,
        created_at=row.created_at,
        owner=_name(row.owner),
        is_private=row.is_private,
        extent=extent(found),
    )


def machine(row: models.Machine, found: Extent) -> documents.Machine:
    return documents.Machine(
        id=row.pk,
        name=row.name,
        fingerprint=row.fingerprint,
        created_at=row.created_at,
        owner=_name(row.owner),
        hardware=row.hardware,
        extent=extent(found),
    )


def environment(row: models.Environment) -> documents.Environment:
    return documents.Environment(
        id=row.pk,
        sha256=row.sha256,
        name=row.name,
        origin=row.origin,
        python=row.python,
        packages=row.packages,
        facts=row.facts,
    )


def workload(row: models.Workload) -> documents.Workload:
    return documents.Workload(
        id=row.pk,
        network=row.network_type,
        layers=row.hidden_layers,
        width=row.width,
        options=row.options,
        dataset=row.dataset,
        data_source=row.data_source,
        data_sha256=row.data_sha256,
        train_samples=row.train_samples,
        test_samples=row.test_samples,
        task=row.task,
        batch_size=row.batch_size,
        optimizer=row.optimizer,
        learning_rate=row.learning_rate,
        replicas=row.replicas,
        parameters=row.parameters,
        flops_per_epoch=row.flops if row.task == "train" else None,
        flops_per_call=row.flops if row.task == "infer" else None,
    )


def engine(slug: str, found: Extent) -> documents.Engine:
    info = ENGINES.get(slug)
    return documents.Engine(
        slug=slug,
        title=engine_title(slug),
        is_known=info is not None,
        framework=info.framework if info else None,
        backend=info.backend if info else None,
        environment=info.environment if info else None,
        extent=extent(found),
    )


def _cell(row: models.Run | models.Summary) -> dict[str, Any]:
    workload = row.workload
    return {
        "experiment": row.experiment.slug,
        "machine": row.machine.name,
        "machine_id": row.machine_id,
        "environment_id": row.environment_id,
        "workload_id": row.workload_id,
        "engine": row.engine,
        "engine_is_known": row.engine in ENGINES,
        "engine_sha256": row.engine_sha256,
        "track": row.track,
        "device": row.device,
        "threads": row.threads,
        "network": workload.network_type,
        "layers": workload.hidden_layers,
        "width": workload.width,
        "options": workload.options,
        "dataset": workload.dataset,
        "data_source": workload.data_source,
        "train_samples": workload.train_samples,
        "task": workload.task,
    }


def _run(row: models.Run) -> dict[str, Any]:
    is_asked = row.workload.task == "infer"
    return _cell(row) | {
        "run_id": row.run_id,
        "status": row.status,
        "reason": row.reason,
        "block": row.block,
        "position": row.position,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "received_at": row.received_at,
        "has_a_clock_ahead": row.has_a_clock_ahead,
        "epoch_seconds": None if is_asked else row.seconds,
        "call_seconds": row.seconds if is_asked else None,
        "call_tail_seconds": row.tail_seconds,
        "samples_per_second": row.workload.batch_size / row.mean_seconds if row.mean_seconds else None,
        "exclusion": exclusion(row),
    }


def run(row: models.Run) -> documents.Run:
    return documents.Run(**_run(row))


def run_with_record(row: models.Run) -> documents.RunWithRecord:
    return documents.RunWithRecord(**_run(row), record=row.record)


def summary(row: models.Summary) -> documents.Summary:
    return documents.Summary(
        **_cell(row),
        samples=row.samples,
        tails=row.tails,
        means=row.means,
        status_counts=row.status_counts,
        reason=row.reason,
        newest_run_at=row.newest_run_at,
    )


def exclusion(row: models.Run) -> documents.Exclusion | None:
    if row.excluded_at is None:
        return None
    return documents.Exclusion(reason=row.exclusion_reason, at=row.excluded_at, by=_name(row.excluded_by))


def excluded_run(row: models.Run) -> documents.ExcludedRun:
    found = exclusion(row)
    assert found is not None, "only excluded runs are listed"
    return documents.ExcludedRun(
        run_id=row.run_id,
        experiment=row.experiment.slug,
        machine=row.machine.name,
        engine=row.engine,
        exclusion=found,
    )


def act(row: models.Act) -> documents.Act:
    return documents.Act(
        kind=row.kind,
        at=row.at,
        user=_name(row.user),
        experiment=row.experiment.slug if row.experiment else None,
        machine=row.machine.name if row.machine else None,
        reason=row.reason,
        details=row.details,
    )


def _name(user: Any) -> str | None:
    return user.get_username() if user else None
