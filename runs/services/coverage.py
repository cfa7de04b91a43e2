"""Coverage rows: how many cells and runs an experiment has of an engine on a machine. Kept with the summaries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from runs.models import COVERAGE_FIELDS, Coverage, Run, Summary
from runs.services.bulk_writes import insert_or_add

Key = tuple[Any, ...]
_COLUMNS = [field.attname for field in Coverage._meta.concrete_fields if field.name in COVERAGE_FIELDS]
_key = attrgetter(*_COLUMNS)


def add_to_coverage(runs: Sequence[Run], new_cells: Sequence[Summary]) -> None:
    """Add newly stored runs, and the cells that they are the first of."""
    rows: dict[Key, Coverage] = {}
    for run in runs:
        _add(rows, _key(run), runs=1, newest=run.finished_at)
    for cell in new_cells:
        rows[_key(cell)].cells += 1
    _store(rows)


def rebuild_coverage(**conditions: Any) -> None:
    """Make it again from the summaries: all of it, or one machine's (`machine=…`)."""
    Coverage.objects.filter(**conditions).delete()
    rows: dict[Key, Coverage] = {}
    columns = (*_COLUMNS, "status_counts", "newest_run_at")
    for *key, counts, newest in Summary.objects.filter(**conditions).values_list(*columns).iterator(2000):
        _add(rows, tuple(key), cells=1, runs=sum(counts.values()), newest=newest)
    _store(rows)


def _add(rows: dict[Key, Coverage], key: Key, *, runs: int, newest: datetime, cells: int = 0) -> None:
    row = rows.get(key)
    if row is None:
        columns: dict[str, Any] = dict(zip(_COLUMNS, key, strict=True))
        row = rows[key] = Coverage(**columns, cells=0, runs=0, newest_run_at=newest)
    row.cells += cells
    row.runs += runs
    row.newest_run_at = max(row.newest_run_at, newest)


def _store(rows: dict[Key, Coverage]) -> None:
    """In one order, lest two uploads wait for each other."""
    insert_or_add([rows[key] for key in sorted(rows)], _COLUMNS, counts=("cells", "runs"), latest="newest_run_at")
