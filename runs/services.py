"""Writes to the results database. Each is one transaction; a run is stored exactly once, whoever brings it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, TypeVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, connection, transaction

from engines import contract
from engines.contract import RunRecord, content_hash
from runs import lookups, registration, viewing
from runs.cell_summaries import add_to_summaries, rebuild_summaries
from runs.errors import ConflictError, RecordError
from runs.models import Experiment, Machine, Run
from runs.records import PartTexts, StoredForm, aware_time, epoch_seconds, parse_record, stored_form
from runs.registration import Uploader, owns, register_experiment, register_machine
from runs.storing import insert_rows

__all__ = [
    "RecordingReport",
    "Refusal",
    "Result",
    "Uploader",
    "rebuild_summaries",
    "record_runs",
    "register_experiment",
    "register_machine",
]

Outcome = Literal["stored", "known", "refused"]
RefusalCode = Literal["invalid", "conflict", "hardware", "forbidden", "atomic"]
ATTEMPTS = 5
T = TypeVar("T")


@dataclass(frozen=True)
class Refusal:
    run_id: str
    reason: str
    code: RefusalCode = "conflict"
    field: str = "run_id"
    value: str = ""
    allowed: str = ""


@dataclass(frozen=True)
class Result:
    """What became of one record of a batch."""

    run_id: str
    outcome: Outcome
    refusal: Refusal | None = None


@dataclass(frozen=True)
class RecordingReport:
    """In the records' order. `known` runs were stored before, with the same content; `refused` ones changed nothing."""

    results: tuple[Result, ...] = ()

    @property
    def stored(self) -> tuple[str, ...]:
        return tuple(result.run_id for result in self.results if result.outcome == "stored")

    @property
    def known(self) -> tuple[str, ...]:
        return tuple(result.run_id for result in self.results if result.outcome == "known")

    @property
    def refused(self) -> tuple[Refusal, ...]:
        return tuple(result.refusal for result in self.results if result.refusal)


def record_runs(
    *,
    records: Sequence[RunRecord],
    accept_hardware: bool = False,
    uploader: Uploader | None = None,
    atomic: bool = False,
) -> RecordingReport:
    """Store the runs that are not known yet, and their cells' summaries, in one transaction.

    Refused, each with its reason, are: a known id with other content, other hardware under a known machine's name,
    and what belongs to another user. The rest of the batch is stored, or nothing if it is `atomic`. Without an
    uploader it is the site's own machine that writes.
    """
    with viewing.seen_by(None):
        return _until_alone(lambda: _record_once(records, accept_hardware, uploader, atomic))


def _until_alone(write: Callable[[], T]) -> T:
    """Two writers of the same new rows: one of them fails, and finds them there when it does it all again."""
    for _ in range(ATTEMPTS - 1):
        try:
            return write()
        except IntegrityError:
            continue
        except OperationalError as error:
            if "deadlock" not in str(error):
                raise
    return write()


@transaction.atomic
def _record_once(
    records: Sequence[RunRecord], accept_hardware: bool, uploader: Uploader | None, atomic: bool
) -> RecordingReport:
    batch = _Batch(records, uploader, accept_hardware)
    results = [batch.take(record) for record in records]
    if atomic and any(result.refusal for result in results):
        transaction.set_rollback(True)
        return RecordingReport(tuple(_not_alone(result) for result in results))
    runs = batch.runs()
    insert_rows(runs)
    add_to_summaries(runs)
    return RecordingReport(tuple(results))


def _not_alone(result: Result) -> Result:
    if result.outcome != "stored":
        return result
    reason = "Another record of this batch was refused, and all or none were to be stored."
    return Result(result.run_id, "refused", Refusal(result.run_id, reason, "atomic"))


class _RefusedError(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


@dataclass
class _Batch:
    """Decides on each record by what is stored, and turns those that are taken into rows."""

    records: Sequence[RunRecord]
    uploader: Uploader | None
    accept_hardware: bool
    taken: list[tuple[RunRecord, StoredForm]] = field(default_factory=list)
    _texts: PartTexts = field(default_factory=PartTexts)

    def __post_init__(self) -> None:
        self._known = _contents([record.run_id for record in self.records])
        new = [record for record in self.records if UUID(record.run_id) not in self._known]
        self._experiments = registration.experiments_named({record.placement.experiment for record in new})
        self._machines = registration.machines_named({record.machine.name for record in new})

    def take(self, record: RunRecord) -> Result:
        run_id, content = UUID(record.run_id), stored_form(record, self._texts)
        if run_id in self._known:
            return self._meet_again(record, same=self._known[run_id] == content.sha256)
        try:
            self._check_experiment(record.placement.experiment)
            self._check_machine(record.machine.name)
            self._register(record)
        except _RefusedError as refused:
            return Result(record.run_id, "refused", _of(record, refused.refusal))
        self._known[run_id] = content.sha256
        self.taken.append((record, content))
        return Result(record.run_id, "stored")

    def _meet_again(self, record: RunRecord, *, same: bool) -> Result:
        if same or self._is_stored_as(record):
            return Result(record.run_id, "known")
        reason = "This run id is stored already, with other content."
        allowed = "a new id for other content"
        return Result(record.run_id, "refused", Refusal(record.run_id, reason, value=record.run_id, allowed=allowed))

    def _is_stored_as(self, record: RunRecord) -> bool:
        """Whether the content is the same after all: a record may be older than a field with a default value."""
        stored = Run.objects.select_related("environment_part", "machine_part").filter(run_id=record.run_id).first()
        try:
            return stored is not None and parse_record(stored.record_text) == record
        except RecordError:
            return False

    def _check_experiment(self, name: str) -> None:
        row = self._experiments.get(name)
        if row and row.is_private and self.uploader and not (self.uploader.user.is_staff or self._owns(row)):
            reason = f"The experiment {name!r} is another user's. Choose another name."
            raise _forbidden("placement.experiment", name, "an experiment of your own", reason)

    def _check_machine(self, name: str) -> None:
        if self.uploader is None:
            return
        scope, row = self.uploader.machines, self._machines.get(name)
        if scope and name not in scope and (row is None or row.name not in scope):
            allowed = ", ".join(scope)
            raise _forbidden("machine.name", name, allowed, f"This token is for other machines: {allowed}.")
        if row is not None and not self._owns(row):
            reason = f"The machine {name!r} is another user's. Choose another name with --machine."
            raise _forbidden("machine.name", name, "a machine of your own", reason)

    def _owns(self, row: Machine | Experiment) -> bool:
        return self.uploader is None or owns(self.uploader.user, row.owner_id)

    def _register(self, record: RunRecord) -> None:
        """Make the experiment and the machine if they are new, and meet other hardware."""
        placement, machine = record.placement, record.machine
        owner = self.uploader.user if self.uploader else None
        row = self._machines.get(machine.name)
        if row is None or not row.knows(machine.fingerprint):
            self._machines[machine.name] = self._registered(machine, owner)
        if placement.experiment not in self._experiments:
            self._experiments[placement.experiment] = register_experiment(
                name=placement.experiment, suite=placement.suite, preset=placement.preset, owner=owner
            )

    def _registered(self, machine: contract.Machine, owner: User | None) -> Machine:
        try:
            return register_machine(machine=machine, accept_hardware=self.accept_hardware, owner=owner)
        except ConflictError as error:
            raise _RefusedError(
                Refusal("", error.message, "hardware", "machine.fingerprint", machine.fingerprint, "the known hardware")
            ) from None

    def runs(self) -> list[Run]:
        """The rows of all records taken, not stored yet; what they refer to is."""
        environments = registration.environments_of(
            {record.environment.sha256: record.environment for record, _ in self.taken}
        )
        workloads = registration.workloads_of(
            {_workload_key(record.cell.workload): record.cell.workload for record, _ in self.taken}
        )
        parts = registration.parts_of(
            {part.sha256: part for _, content in self.taken for part in (content.environment, content.machine)}
        )
        return [
            self._row(
                record,
                content,
                environment_id=environments[record.environment.sha256],
                workload_id=workloads[_workload_key(record.cell.workload)],
                environment_part_id=parts[content.environment.sha256],
                machine_part_id=parts[content.machine.sha256],
            )
            for record, content in self.taken
        ]

    def _row(self, record: RunRecord, content: StoredForm, **keys: int) -> Run:
        cell, placement = record.cell, record.placement
        return _run(
            run_id=UUID(record.run_id),
            content_sha256=content.sha256,
            experiment_id=self._experiments[placement.experiment].pk,
            machine_id=self._machines[record.machine.name].pk,
            engine=cell.engine,
            track=cell.track,
            device=cell.device,
            threads=cell.threads,
            status=record.status,
            reason=record.reason,
            block=placement.block,
            position=placement.position,
            started_at=aware_time(record.started_at),
            finished_at=aware_time(record.finished_at),
            epoch_seconds=epoch_seconds(record),
            body=content.body,
            **keys,
        )


def _contents(run_ids: Sequence[str]) -> dict[UUID, str]:
    """The content hashes of those that are stored."""
    field = Run._meta.get_field("run_id")
    wanted = [field.get_db_prep_value(UUID(run_id), connection) for run_id in run_ids]
    return {UUID(str(key)): content for key, content in lookups.pairs(Run, "run_id", "content_sha256", wanted).items()}


_DEFAULTS = {field.attname: field.get_default() for field in Run._meta.concrete_fields}


def _run(**columns: Any) -> Run:
    """Values by place, which Django takes in half the time that it takes names."""
    values: Any = (_DEFAULTS | columns).values()
    return Run(*values)


def _of(record: RunRecord, refusal: Refusal) -> Refusal:
    return Refusal(record.run_id, refusal.reason, refusal.code, refusal.field, refusal.value, refusal.allowed)


def _forbidden(field: str, value: str, allowed: str, reason: str) -> _RefusedError:
    return _RefusedError(Refusal("", reason, "forbidden", field, value, allowed))


@lru_cache(maxsize=10_000)
def _workload_key(workload: contract.Workload) -> str:
    return content_hash(workload)
