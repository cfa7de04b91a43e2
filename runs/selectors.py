"""Reads that span models, as typed rows. Comparisons read summaries, never runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Sum

from engines.contract import NetworkType
from runs.cell_rows import cell_rows
from runs.findings.cells import CellRow
from runs.models import (
    Coverage,
    Experiment,
    Machine,
    PublishedRecommendation,
    PublishedSpeedUp,
    Summary,
)
from runs.models.subjects import known_network_type
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
    gpu_machine: Machine | None = None
    """Where the GPU's times come from, if that is another machine, as it was in the study."""

    @property
    def measured_on(self) -> list[Machine]:
        return [machine for machine in (self.machine, self.gpu_machine) if machine]


def asked_scope(query: Mapping[str, Any]) -> Scope:
    """By the parameters `experiment`, `machine` and `gpu_machine` of a page's address."""
    return scope(*(query.get(name) or "" for name in ("experiment", "machine", "gpu_machine")))


def scope(experiment_slug: str = "", machine_pk: str = "", gpu_machine_pk: str = "") -> Scope:
    """The experiment and machine asked for; else the newest experiment that has results, on its latest machine."""
    experiments = list(_with_results()[:OFFERED])
    experiment = _asked(experiments, experiment_slug)
    machines = machines_of(experiment) if experiment else []
    by_key = {str(machine.pk): machine for machine in machines}
    wanted = by_key.get(machine_pk) or next(iter(machines), None)
    other = by_key.get(gpu_machine_pk)
    return Scope(experiment, wanted, experiments, machines, other if other != wanted else None)


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
    """Every cell of an experiment on a machine, whatever came of it; the GPU's from the machine that they come from."""
    if scope.experiment is None or scope.machine is None:
        return []
    own = Summary.objects.filter(experiment=scope.experiment)
    if scope.gpu_machine is None:
        return cell_rows(own.filter(machine=scope.machine))
    return cell_rows(own.filter(Q(machine=scope.machine, device="cpu") | Q(machine=scope.gpu_machine, device="gpu")))


def with_both_devices(scope: Scope) -> Scope:
    """The same scope; where its machine has times on one device alone, with another of its machines for the other."""
    if scope.experiment is None or scope.machine is None or scope.gpu_machine is not None:
        return scope
    with_times = _devices_with_times(scope.experiment)
    own = with_times.get(scope.machine.pk, set())
    others = {
        device: next((each for each in scope.machines if device in with_times.get(each.pk, ())), None)
        for device in ("cpu", "gpu")
    }
    if "gpu" not in own and others["gpu"]:
        return replace(scope, gpu_machine=others["gpu"])
    if "cpu" not in own and others["cpu"]:
        return replace(scope, machine=others["cpu"], gpu_machine=scope.machine)
    return scope


def machines_with_a_gpu(scope: Scope) -> list[Machine]:
    """Those of the scope's machines that have times on a GPU."""
    if scope.experiment is None:
        return []
    with_times = _devices_with_times(scope.experiment)
    return [machine for machine in scope.machines if "gpu" in with_times.get(machine.pk, ())]


def _devices_with_times(experiment: Experiment) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    timed = Summary.objects.filter(experiment=experiment, reason="")  # a cell without a time has a reason
    for machine, device in timed.order_by().values_list("machine", "device").distinct():
        found.setdefault(machine, set()).add(device)
    return found


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
    """By network type. Raises ValueError for a type that is not known here."""
    tables: dict[NetworkType, list[PublishedSpeedUp]] = {"mlp": [], "cnn": []}
    for value in PublishedSpeedUp.objects.all():
        tables[known_network_type(value.network_type)].append(value)
    return tables
