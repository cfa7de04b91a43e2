"""Many runs into their table at once."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from runs.models import Run

COPIED_FROM = 20
"""So many runs are worth PostgreSQL's COPY, which takes a third of the time of an INSERT with as many parameters."""
_COLUMNS = [field for field in Run._meta.concrete_fields if not field.primary_key]
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"})


def insert_runs(runs: Sequence[Run]) -> None:
    """Raises IntegrityError where a run id is there already."""
    if connection.vendor == "postgresql" and len(runs) >= COPIED_FROM:
        _copy(runs)
    else:
        Run.objects.bulk_create(runs)


def _copy(runs: Sequence[Run]) -> None:
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in _COLUMNS)
    statement = f"COPY {connection.ops.quote_name(Run._meta.db_table)} ({names}) FROM STDIN"
    now = timezone.now()
    for run in runs:
        run.received_at = now
    rows = io.StringIO("".join(map(_row, runs)))
    with connection.wrap_database_errors, connection.cursor() as cursor:
        cursor.copy_expert(statement, rows)


def _row(run: Run) -> str:
    return "\t".join([_text(getattr(run, field.attname)) for field in _COLUMNS]) + "\n"


def _text(value: Any) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, datetime):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else str(value)
