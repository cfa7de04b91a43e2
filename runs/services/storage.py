"""The runner's way into the database: tells at once, in one sentence, when it cannot be written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from engines.profile_record import ProfileRecord
from engines.run_record import Machine, RunRecord
from runs import viewing
from runs.errors import ConflictError, RunsError, StorageError
from runs.models import Experiment, Run
from runs.records.outlines import Outline
from runs.records.spool import Spool
from runs.services import profiles, recording
from runs.services.registration import register_machine

_REMEDY = "Fix it, or measure with --no-database: the spool keeps every run until a database is there."
_BATCH = 500

Store = Callable[[Sequence[RunRecord]], None]


def check_writable(machine: Machine | None = None, *, accept_hardware: bool = False) -> None:
    """Write something and take it back: what would refuse the first run's record is told before that run.

    Raises StorageError, or ConflictError where the machine's name stands for other hardware.
    """
    try:
        if _lacks_migrations():
            raise StorageError("The database is not set up. Type: python manage.py migrate")
        with transaction.atomic():
            Experiment.objects.create(name="(a test of writing)", slug="-", suite="", preset="")
            if machine:
                register_machine(machine=machine, accept_hardware=accept_hardware)
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
            report = recording.record_runs(records=records[start : start + _BATCH], accept_hardware=accept_hardware)
        except DatabaseError as error:
            raise StorageError(f"The database cannot be written: {_first_line(error)}. {_REMEDY}") from None
        if report.refused:
            raise ConflictError(report.refused[0].reason)


def catch_up(spool: Spool, runs: Iterable[Outline], store: Store) -> None:
    """Store what the spool has and the database lacks: measured with --no-database, say, or while it was away."""
    missing = lacking(runs)
    for start in range(0, len(missing), _BATCH):
        store(spool.records_of(missing[start : start + _BATCH]))


def lacking(runs: Iterable[Outline]) -> list[str]:
    """The ids of those that the database does not have. Raises StorageError."""
    by_experiment: dict[str, list[str]] = {}
    for run in runs:
        by_experiment.setdefault(run.experiment, []).append(run.run_id)
    try:
        with viewing.seen_by(None):
            rows = Run.objects.filter(experiment__name__in=by_experiment).values_list("run_id", flat=True)
            stored = {str(run_id) for run_id in rows.iterator(chunk_size=10_000)}
    except DatabaseError as error:
        raise StorageError(f"The database cannot be read: {_first_line(error)}. {_REMEDY}") from None
    return [run_id for ids in by_experiment.values() for run_id in ids if run_id.lower() not in stored]


def store_profiles(records: Sequence[ProfileRecord], *, accept_hardware: bool = False) -> None:
    """Store those that are newer than what is stored of their cells. Raises StorageError or ConflictError."""
    try:
        profiles.record_profiles(records=records, accept_hardware=accept_hardware)
    except DatabaseError as error:
        raise StorageError(f"The database cannot be written: {_first_line(error)}. {_REMEDY}") from None


@dataclass
class Storing:
    """Stores records while a suite runs. A database that fails is told once; what it missed is offered again."""

    store: Store
    warn: Callable[[str], None]
    missed: list[RunRecord] = field(default_factory=list)
    reason: str = ""

    def __call__(self, records: Sequence[RunRecord]) -> None:
        self.missed.extend(records)
        try:
            self.store(self.missed)
        except RunsError as error:
            self._note(str(error))
        else:
            self.missed.clear()

    def _note(self, reason: str) -> None:
        if not self.reason:
            self.warn(f"{reason} The suite goes on: the spool has its runs.")
        self.reason = reason

    def check(self) -> None:
        """Raises StorageError where the database still lacks runs."""
        if self.missed:
            raise StorageError(
                f"{len(self.missed)} runs are in the spool alone; the next runbench stores them. {self.reason}"
            )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
