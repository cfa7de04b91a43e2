"""Reads that span models, as typed rows. Comparisons read summaries, never runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Sum

from engines.contract import NetworkType
from runs.cell_rows import cell_rows
from runs.cells import CellRow
from runs.models import (
    Coverage,
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
    found = Coverage.objects.aggregate(
        runs=Sum("runs"),
        machines=Count("machine", distinct=True),
        engines=Count("engine", distinct=True),
        experiments=Count("experiment", distinct=True),
    )
    return Stored(**found | {"runs": found["runs"] or 0})


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
    return Experiment.objects.filter(Exists(Coverage.objects.filter(experiment=OuterRef("pk"))))


def _asked(offered: list[Experiment], slug: str) -> Experiment | None:
    found = next((experiment for experiment in offered if experiment.slug == slug), None)
    if found is None and slug and "\0" not in slug:
        found = _with_results().filter(slug=slug).first()
        offered.extend([found] if found else [])
    return found or next((each for each in offered if each.preset != NOISE_PRESET), next(iter(offered), None))


def machines_of(experiment: Experiment) -> list[Machine]:
    """The machines with results in an experiment, the one with the newest run first."""
    own = Coverage.objects.filter(experiment=experiment).values("machine").annotate(latest=Max("newest_run_at"))
    keys = list(own.order_by("-latest", "-machine").values_list("machine", flat=True)[:OFFERED])
    found = Machine.objects.in_bulk(keys)
    return [found[key] for key in keys]


def cells_of(scope: Scope) -> list[CellRow]:
    """Every cell of an experiment on a machine, whatever came of it."""
    if scope.experiment is None or scope.machine is None:
        return []
    return cell_rows(Summary.objects.filter(experiment=scope.experiment, machine=scope.machine))


def cells_of_experiment(experiment: Experiment) -> list[CellRow]:
    """The cells of all its machines, for what may stand on two of them."""
    return cell_rows(Summary.objects.filter(experiment=experiment)[:MOST_CELLS])


def cells_with_processor(cpu: str) -> list[CellRow]:
    """Cells on the CPU of every machine with a processor of that name: those of its newest experiments."""
    if not cpu:
        return []
    own = Coverage.objects.filter(machine__hardware__cpu=cpu).values("experiment", "machine")
    places = own.annotate(cells=Sum("cells"), latest=Max("newest_run_at")).order_by(
        "-latest", "-experiment", "-machine"
    )
    wanted, cells = Q(), 0
    for place in places[:OFFERED]:
        wanted |= Q(experiment=place["experiment"], machine=place["machine"])
        cells += place["cells"]
        if cells > MOST_PEER_CELLS:
            break
    if not cells:
        return []
    return cell_rows(Summary.objects.filter(wanted, device="cpu").order_by("-newest_run_at")[:MOST_PEER_CELLS])


MOST_CELLS = 3_000
MOST_PEER_CELLS = 2_000


@dataclass(frozen=True)
class RunsOf:
    runs: int
    machines: int
    newest_run_at: datetime | None


def runs_of(experiment: Experiment) -> RunsOf:
    """How many runs it has, on how many machines, and when the newest ended."""
    found = Coverage.objects.filter(experiment=experiment).aggregate(
        runs=Sum("runs"), machines=Count("machine", distinct=True), newest_run_at=Max("newest_run_at")
    )
    return RunsOf(found["runs"] or 0, found["machines"], found["newest_run_at"])


def published_recommendations() -> dict[tuple[str, str], list[str]]:
    """(network type, device) -> slugs, in the study's order."""
    return {(row.network_type, row.device): row.engines for row in PublishedRecommendation.objects.all()}


def published_speed_ups() -> dict[NetworkType, list[PublishedSpeedUp]]:
    tables: dict[NetworkType, list[PublishedSpeedUp]] = {"mlp": [], "cnn": []}
    for value in PublishedSpeedUp.objects.all():
        tables["cnn" if value.network_type == "cnn" else "mlp"].append(value)
    return tables
