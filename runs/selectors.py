"""Reads that span models, as typed rows. Comparisons read summaries, never runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.core.cache import cache
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from engines.contract import NetworkType
from runs import viewing
from runs.cell_rows import cell_rows
from runs.cells import CellRow
from runs.models import (
    Experiment,
    Machine,
    PublishedRecommendation,
    PublishedSpeedUp,
    Summary,
)
from runs.noise import NOISE_PRESET

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
    return cell_rows(Summary.objects.filter(experiment=scope.experiment, machine=scope.machine))


def cells_of_experiment(experiment: Experiment) -> list[CellRow]:
    """The cells of all its machines, for what may stand on two of them."""
    return cell_rows(Summary.objects.filter(experiment=experiment)[:MOST_CELLS])


def cells_with_processor(cpu: str) -> list[CellRow]:
    """The newest cells on the CPU of every machine with a processor of that name."""
    if not cpu:
        return []
    summaries = Summary.objects.filter(machine__hardware__cpu=cpu, device="cpu").order_by("-newest_run_at")
    return cell_rows(summaries[:MOST_CELLS])


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


def published_recommendations() -> dict[tuple[str, str], list[str]]:
    """(network type, device) -> slugs, in the study's order."""
    return {(row.network_type, row.device): row.engines for row in PublishedRecommendation.objects.all()}


def published_speed_ups() -> dict[NetworkType, list[PublishedSpeedUp]]:
    tables: dict[NetworkType, list[PublishedSpeedUp]] = {"mlp": [], "cnn": []}
    for value in PublishedSpeedUp.objects.all():
        tables["cnn" if value.network_type == "cnn" else "mlp"].append(value)
    return tables
