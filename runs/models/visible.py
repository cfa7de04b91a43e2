"""What is hidden from whoever is looking: others' private experiments, and all that belongs to them."""

from __future__ import annotations

from typing import TypeVar

from django.apps import apps
from django.db import models

from runs import viewing

M = TypeVar("M", bound=models.Model)


def hidden_experiments() -> frozenset[int]:
    """Experiments that whoever is looking must not see; empty outside of requests. Looked up once for each request."""
    view = viewing.current()
    if view is None:
        return frozenset()
    if view.hidden_experiments is None:
        view.hidden_experiments = _hidden_from(view.visitor)
    return view.hidden_experiments


def _hidden_from(visitor: viewing.Visitor) -> frozenset[int]:
    experiments, only = apps.get_model("runs", "Experiment")._base_manager, viewing.only_experiment()
    if only is not None:
        return frozenset(experiments.exclude(pk=only).values_list("pk", flat=True))
    if getattr(visitor, "is_staff", False):
        return frozenset()
    hidden = experiments.filter(is_private=True)
    if visitor.pk is not None:
        hidden = hidden.exclude(owner_id=visitor.pk)
    return frozenset(hidden.values_list("pk", flat=True))


class VisibleManager(models.Manager[M]):
    """Leaves out rows of experiments that are hidden; `experiment` is the column that names a row's."""

    def __init__(self, experiment: str = "experiment") -> None:
        super().__init__()
        self._experiment = experiment

    def get_queryset(self) -> models.QuerySet[M]:
        rows, hidden = super().get_queryset(), hidden_experiments()
        return rows.exclude(**{f"{self._experiment}__in": hidden}) if hidden else rows
