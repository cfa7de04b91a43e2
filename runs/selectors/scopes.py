"""One experiment on one machine: what is compared unless a reader asks for more, and how it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from engines.contract import Task
from runs.errors import NotFoundError
from runs.models import Coverage, Experiment, Machine, Summary

NOISE_PRESET = "noise"
"""The suite that measures a machine against itself."""
OFFERED = 50
"""How many experiments or machines a filter offers, newest first."""


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


def asked_scope(query: Mapping[str, Any], task: Task = "train") -> Scope:
    """By the parameters `experiment`, `machine` and `gpu_machine` of a page's address."""
    return scope(*(query.get(name) or "" for name in ("experiment", "machine", "gpu_machine")), task=task)


def scope(experiment_slug: str = "", machine_pk: str = "", gpu_machine_pk: str = "", *, task: Task = "train") -> Scope:
    """The experiment and machine asked for; else the newest experiment that does the task, on its latest machine."""
    experiments = list(_with_results(task)[:OFFERED])
    experiment = _asked(experiments, experiment_slug, task)
    machines = machines_of(experiment) if experiment else []
    by_key = {str(machine.pk): machine for machine in machines}
    wanted = by_key.get(machine_pk) or next(iter(machines), None)
    other = by_key.get(gpu_machine_pk)
    return Scope(experiment, wanted, experiments, machines, other if other != wanted else None)


def scope_of(experiment: Experiment, machine_pk: str = "") -> Scope:
    """Of a page about one experiment: the machine asked for, else its latest."""
    machines = machines_of(experiment)
    machine = next((each for each in machines if str(each.pk) == machine_pk), next(iter(machines), None))
    return Scope(experiment, machine, [experiment], machines)


def _with_results(task: Task) -> QuerySet[Experiment]:
    """Each says whether it `does` the task: a page would have nothing to say of one that does not."""
    own = Summary.objects.filter(experiment=OuterRef("pk"), workload__task=task).order_by()
    with_results = Experiment.objects.filter(Exists(Coverage.objects.filter(experiment=OuterRef("pk"))))
    return with_results.annotate(does=Exists(own))


def _asked(offered: list[Experiment], slug: str, task: Task) -> Experiment | None:
    found = next((experiment for experiment in offered if experiment.slug == slug), None)
    if found is None and slug and "\0" not in slug:
        found = _with_results(task).filter(slug=slug).first()
        offered.extend([found] if found else [])
    return found or next((each for each in offered if _is_usual(each)), next(iter(offered), None))


def _is_usual(experiment: Any) -> bool:
    return bool(experiment.preset != NOISE_PRESET and experiment.does)


def tasks_of(experiment: Experiment) -> set[str]:
    """What its runs do: train, infer, or both."""
    own = Summary.objects.filter(experiment=experiment).order_by()
    return set(own.values_list("workload__task", flat=True).distinct())


def machines_of(experiment: Experiment) -> list[Machine]:
    """The machines with results in an experiment, the one with the newest run first."""
    own = Coverage.objects.filter(experiment=experiment).values("machine").annotate(latest=Max("newest_run_at"))
    keys = list(own.order_by("-latest", "-machine").values_list("machine", flat=True)[:OFFERED])
    found = Machine.objects.in_bulk(keys)
    return [found[key] for key in keys]


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
        return replace(scope, machine=others["cpu"], gpu_machine=scope.machine if "gpu" in own else None)
    return scope


def machines_with_a_gpu(scope: Scope) -> list[Machine]:
    """Those of the scope's machines that have times on a GPU."""
    if scope.experiment is None:
        return []
    with_times = _devices_with_times(scope.experiment)
    return [machine for machine in scope.machines if "gpu" in with_times.get(machine.pk, ())]


def _devices_with_times(experiment: Experiment) -> dict[int, set[str]]:
    """Times of training: a cell without one has a reason."""
    found: dict[int, set[str]] = {}
    timed = Summary.objects.filter(experiment=experiment, reason="", workload__task="train")
    for machine, device in timed.order_by().values_list("machine", "device").distinct():
        found.setdefault(machine, set()).add(device)
    return found


def named_scope(experiment: str | None, machine: str | None, gpu_machine: str | None = None) -> Scope:
    """The newest experiment and its latest machine where no name is given. Raises NotFoundError, naming the known."""
    found = scope(_experiment(experiment).slug if experiment else "")
    if not (machine or gpu_machine) or found.experiment is None:
        return found
    known = {each.name: str(each.pk) for each in machines_of(found.experiment)}
    for name in filter(None, (machine, gpu_machine)):
        if name not in known:
            raise NotFoundError(f"No machine {name!r} in {found.experiment}. It has: {', '.join(known) or 'none'}.")
    return scope(found.experiment.slug, known.get(machine or "", ""), known.get(gpu_machine or "", ""))


def _experiment(name: str) -> Experiment:
    found = Experiment.objects.filter(Q(name=name) | Q(slug=name), summarys__isnull=False).first()
    if found is None:
        known = ", ".join(each.name for each in scope().experiments)
        raise NotFoundError(f"No experiment {name!r} with runs. There are: {known or 'none'}.")
    return found
