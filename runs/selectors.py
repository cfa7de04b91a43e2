"""Reads that span models, as typed rows. Comparisons read summaries, never runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.core.cache import cache
from django.db.models import Exists, Max, OuterRef, Prefetch, Q, QuerySet

from engines.contract import NetworkType
from engines.registry import ENGINES
from runs import viewing
from runs.cells import CellRow
from runs.models import (
    Environment,
    Experiment,
    Machine,
    PublishedRecommendation,
    PublishedSpeedUp,
    Summary,
)
from runs.noise import NOISE_PRESET
from runs.stats import LogSamples

OFFERED = 50
"""How many experiments or machines a filter offers, newest first."""


@dataclass(frozen=True)
class Stored:
    runs: int
    machines: int
    engines: int
    experiments: int


def stored_counts() -> Stored:
    """Counted from the cells. What took long to count is kept for a hundred times as long, a minute at most."""
    key = f"stored-{sorted(viewing.hidden_experiments())}"
    if kept := cache.get(key):
        return cast(Stored, kept)
    started = time.monotonic()
    found = Stored(
        runs=sum(sum(counts.values()) for counts in Summary.objects.values_list("status_counts", flat=True)),
        machines=Machine.objects.count(),
        engines=Summary.objects.values("engine").distinct().count(),
        experiments=Experiment.objects.count(),
    )
    took = time.monotonic() - started
    if took > _LONG_SECONDS:
        cache.set(key, found, timeout=min(100 * took, 60))
    return found


_LONG_SECONDS = 0.1


@dataclass(frozen=True)
class Scope:
    """One experiment on one machine: what is compared unless a reader asks for more. None where nothing is stored."""

    experiment: Experiment | None
    machine: Machine | None
    experiments: Sequence[Experiment]
    machines: Sequence[Machine]


def scope(experiment_slug: str = "", machine_pk: str = "") -> Scope:
    """The experiment and machine asked for; else the newest experiment that has results, on its latest machine."""
    experiments = list(_with_results()[:OFFERED])
    experiment = _asked(experiments, experiment_slug)
    machines = machines_of(experiment) if experiment else []
    wanted = next((machine for machine in machines if str(machine.pk) == machine_pk), None)
    return Scope(experiment, wanted or next(iter(machines), None), experiments, machines)


def _with_results() -> QuerySet[Experiment]:
    return Experiment.objects.filter(Exists(Summary.objects.filter(experiment=OuterRef("pk"))))


def _asked(offered: list[Experiment], slug: str) -> Experiment | None:
    found = next((experiment for experiment in offered if experiment.slug == slug), None)
    if found is None and slug and "\0" not in slug:
        found = _with_results().filter(slug=slug).first()
        offered.extend([found] if found else [])
    return found or next((each for each in offered if each.preset != NOISE_PRESET), next(iter(offered), None))


def machines_of(experiment: Experiment) -> list[Machine]:
    """The machines with results in an experiment, the one with the newest run first."""
    latest = Max("summarys__newest_run_at", filter=Q(summarys__experiment=experiment))
    machines = Machine.objects.filter(Exists(Summary.objects.filter(experiment=experiment, machine=OuterRef("pk"))))
    return list(machines.annotate(latest=latest).order_by("-latest", "-pk")[:OFFERED])


def cells_of(scope: Scope) -> list[CellRow]:
    """Every cell of an experiment on a machine, whatever came of it."""
    if scope.experiment is None or scope.machine is None:
        return []
    summaries = Summary.objects.filter(experiment=scope.experiment, machine=scope.machine)
    return [_cell_row(summary, scope.machine.name) for summary in with_cells(summaries)]


def with_cells(summaries: QuerySet[Summary]) -> QuerySet[Summary]:
    """Each environment is read once, not once for each of its cells: its list of packages is long."""
    environments = Environment.objects.defer("facts")
    return summaries.select_related("workload").prefetch_related(Prefetch("environment", environments))


def _cell_row(summary: Summary, machine: str = "") -> CellRow:
    workload = summary.workload
    return CellRow(
        engine=summary.engine,
        track=summary.track,
        device=summary.device,
        threads=summary.threads,
        network_type=workload.network.type,
        hidden_layers=workload.hidden_layers,
        width=workload.width,
        dataset=workload.dataset,
        data_source=workload.data_source,
        data_sha256=workload.data_sha256,
        train_samples=workload.train_samples,
        training=f"batch {workload.batch_size}, {workload.optimizer} {workload.learning_rate:g}",
        flops_per_epoch=workload.flops_per_epoch,
        environment_id=summary.environment_id,
        environment=environment_label(summary.environment, summary.engine),
        samples=_log_samples(summary.samples),
        newest_run_at=summary.newest_run_at,
        status_counts=summary.status_counts,
        reason=summary.reason,
        workload_id=workload.pk,
        parameters=workload.parameters,
        machine=machine,
    )


def cells_of_experiment(experiment: Experiment) -> list[CellRow]:
    """The cells of all its machines, for what may stand on two of them."""
    summaries = with_cells(Summary.objects.filter(experiment=experiment)).select_related("workload", "machine")
    return [_cell_row(summary, summary.machine.name) for summary in summaries[:MOST_CELLS]]


def cells_with_processor(cpu: str) -> list[CellRow]:
    """The newest cells on the CPU of every machine with a processor of that name."""
    if not cpu:
        return []
    summaries = Summary.objects.filter(machine__hardware__cpu=cpu, device="cpu").order_by("-newest_run_at")
    found = with_cells(summaries).select_related("workload", "machine")
    return [_cell_row(summary, summary.machine.name) for summary in found[:MOST_CELLS]]


MOST_CELLS = 3_000


@dataclass(frozen=True)
class RunsOf:
    runs: int
    machines: int
    newest_run_at: datetime | None


def runs_of(experiment: Experiment) -> RunsOf:
    """How many runs it has, on how many machines, and when the newest ended."""
    rows = list(Summary.objects.filter(experiment=experiment).values_list("status_counts", "newest_run_at", "machine"))
    return RunsOf(
        runs=sum(sum(counts.values()) for counts, _newest, _machine in rows),
        machines=len({machine for _counts, _newest, machine in rows}),
        newest_run_at=max((newest for _counts, newest, _machine in rows), default=None),
    )


def environment_label(environment: Environment, engine: str) -> str:
    """The engine's version in it, and what tells it from another of that version: `TensorFlow 2.21.0 · 1a2b3c4d`."""
    info = ENGINES.get(engine)
    wanted = [info.framework, info.backend] if info else []
    versions = [
        f"{name} {environment.packages[name]}" for name in dict.fromkeys(wanted) if name in environment.packages
    ]
    return f"{', '.join(versions) or environment.name} · {environment.sha256[:8]}"


def _log_samples(samples: list[list[float]]) -> LogSamples:
    return LogSamples(tuple(value for _, value in samples), tuple(int(block) for block, _ in samples))


def published_recommendations() -> dict[tuple[str, str], list[str]]:
    """(network type, device) -> slugs, in the study's order."""
    return {(row.network_type, row.device): row.engines for row in PublishedRecommendation.objects.all()}


def published_speed_ups() -> dict[NetworkType, list[PublishedSpeedUp]]:
    tables: dict[NetworkType, list[PublishedSpeedUp]] = {"mlp": [], "cnn": []}
    for value in PublishedSpeedUp.objects.all():
        tables["cnn" if value.network_type == "cnn" else "mlp"].append(value)
    return tables
