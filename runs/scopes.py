"""An experiment and a machine by the names that a person types."""

from __future__ import annotations

from django.db.models import Q

from runs.errors import NotFoundError
from runs.models import Experiment
from runs.selectors import Scope, machines_of, scope


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
