"""What runs' own records say beside their time per epoch, for cells whose summaries do not hold it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic_core import from_json

from engines.run_record import Energy
from runs.findings.alike import Place, place
from runs.findings.cells import CellRow
from runs.findings.run_details import RunDetails
from runs.models import Run
from runs.selectors.scopes import Scope

MOST_RUNS = 3_000
"""So many records at most are read for one page, the newest: a page that needs records stays a page."""


def run_details(scope: Scope, rows: Iterable[CellRow]) -> dict[Place, list[RunDetails]]:
    """The finished runs of the given cells, by cell."""
    wanted = {place(row) for row in rows}
    if not wanted or scope.experiment is None or scope.machine is None:
        return {}
    near = {f"{name}__in": set(values) for name, values in zip(_PLACE, zip(*wanted, strict=True), strict=True)}
    runs = Run.objects.filter(
        experiment=scope.experiment, machine=scope.machine, status="finished", excluded_at=None, **near
    ).order_by("-pk")
    places: dict[UUID, Place] = {
        run_id: Place(*key) for *key, run_id in runs.values_list(*_PLACE, "run_id")[:MOST_RUNS]
    }
    read = _figures_of([run_id for run_id, key in places.items() if key in wanted])
    found: dict[Place, list[RunDetails]] = {}
    for run_id, key in places.items():
        if figures := read.get(run_id):
            found.setdefault(key, []).append(figures)
    return found


_PLACE = Place._fields
_MOST_KEPT = 50_000
_kept: dict[UUID, RunDetails] = {}


def _figures_of(run_ids: Sequence[UUID]) -> dict[UUID, RunDetails]:
    """A run's record never changes, so what was read of it is kept: reading it again would be most of a page's time."""
    found = {run_id: figures for run_id in run_ids if (figures := _kept.get(run_id))}
    new = Run.objects.filter(run_id__in=[run_id for run_id in run_ids if run_id not in found])
    read = {
        run_id: figures
        for run_id, seconds, body in new.values_list("run_id", "seconds", "body")
        if seconds and (figures := _figures(from_json(body), seconds))
    }
    if len(_kept) + len(read) > _MOST_KEPT:
        _kept.clear()
    _kept.update(read)
    return found | read


def _figures(record: Mapping[str, Any], seconds: float) -> RunDetails | None:
    training, phases = record.get("training") or {}, record.get("phases") or {}
    epochs = training.get("epochs")
    if not epochs:
        return None
    start = sum(phases.get(name) or 0.0 for name in ("import_seconds", "build_seconds", "compile_seconds"))
    return RunDetails(
        first_epoch_seconds=epochs[0]["wall_seconds"],
        compile_seconds=phases.get("compile_seconds") or 0.0,
        start_seconds=start,
        median_seconds=seconds,
        memory_bytes=training.get("peak_device_bytes") or training.get("peak_rss_bytes") or 0,
        accuracy=training.get("test_accuracy"),
        threads_observed=training.get("threads_observed"),
        watts=Energy(**used).watts if (used := training.get("energy")) else None,
    )
