"""The runner's way into the database: tells at once, in one sentence, when it cannot be written."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from engines.contract import RunRecord
from runs import services
from runs.errors import ConflictError, StorageError
from runs.models import Experiment

_REMEDY = "Mend it, or measure with --no-database: the spool keeps every run until a database is there."
_BATCH = 500


def check_writable() -> None:
    """Write something and take it back. Raises StorageError before the first run instead of after the last."""
    try:
        if _lacks_migrations():
            raise StorageError("The database is not set up. Type: python manage.py migrate")
        with transaction.atomic():
            Experiment.objects.create(name="(a test of writing)", slug="-", suite="", preset="")
            transaction.set_rollback(True)
    except DatabaseError as error:
        raise StorageError(f"The database cannot be written: {_first_line(error)}. {_REMEDY}") from None


def _lacks_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def store(records: Sequence[RunRecord], *, accept_hardware: bool = False) -> None:
    """Store what is not stored yet. Raises StorageError, or ConflictError for what the database refuses."""
    for start in range(0, len(records), _BATCH):
        try:
            report = services.record_runs(records=records[start : start + _BATCH], accept_hardware=accept_hardware)
        except DatabaseError as error:
            raise StorageError(f"The database cannot be written: {_first_line(error)}. {_REMEDY}") from None
        if report.refused:
            raise ConflictError(report.refused[0].reason)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
