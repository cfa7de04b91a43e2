"""How much is stored: of everything, and of each experiment, machine, environment and engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Sum

from runs.models import (
    Coverage,
    Experiment,
)


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


@dataclass(frozen=True)
class Extent:
    """What an experiment, machine, environment or engine has in store."""

    cells: int
    machines: int
    engines: int
    experiments: int
    newest_run_at: datetime | None


_NOTHING = Extent(0, 0, 0, 0, None)


def extents(field: str, keys: Sequence[Any]) -> dict[Any, Extent]:
    """For each key of a Coverage column (`experiment`, `machine`, `environment`, `engine`), in one query."""
    rows = (
        Coverage.objects.filter(**{f"{field}__in": list(keys)})
        .values(field)
        .annotate(
            cells=Sum("cells"),
            machines=Count("machine", distinct=True),
            engines=Count("engine", distinct=True),
            experiments=Count("experiment", distinct=True),
            newest_run_at=Max("newest_run_at"),
        )
    )
    found = {row.pop(field): row for row in rows}
    return {key: Extent(**found[key]) if key in found else _NOTHING for key in keys}


def engine_slugs() -> list[str]:
    return list(Coverage.objects.order_by("engine").values_list("engine", flat=True).distinct())
