"""Writes to the results database. Each is one transaction; a run is stored exactly once, whoever brings it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, connection, transaction

from engines import run_record
from engines.run_record import RunRecord
from runs import viewing
from runs.errors import ConflictError, RecordError
from runs.models import Environment, Experiment, Machine, RecordPart, Run, Workload
from runs.models.stored_form import PartTexts, StoredForm, stored_form
from runs.records.run_records import aware_time, parse_record, run_uuid, timed_seconds
from runs.services import bulk_reads, registration
from runs.services.bulk_writes import insert_rows
from runs.services.registration import Uploader, owns, register_experiment, register_machine, workload_key
from runs.services.summaries import add_to_summaries

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
    results = batch.results()
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


class _Offer(NamedTuple):
    """A record as it would be stored."""

    record: RunRecord
    content: StoredForm
    workload_key: str


@dataclass
class _Keys:
    """The primary keys of what a run refers to by its content, by that content's digest."""

    environments: Mapping[str, int]
    workloads: Mapping[str, int]
    parts: Mapping[str, int]


def _stored_already(offers: Sequence[_Offer]) -> tuple[dict[UUID, str], _Keys]:
    """The content hashes of the runs that are stored, and the keys of what is stored of the rest: one question."""
    run_id = Run._meta.get_field("run_id")
    run_ids = [run_id.get_db_prep_value(run_uuid(offer.record.run_id), connection) for offer in offers]
    contents, *keys = bulk_reads.several(
        (Run, "run_id", "content_sha256", run_ids),
        (Environment, "sha256", "id", {offer.record.environment.sha256 for offer in offers}),
        (Workload, "key", "id", {offer.workload_key for offer in offers}),
        (RecordPart, "sha256", "id", {part.sha256 for offer in offers for part in offer.content.parts}),
    )
    known = {UUID(text): content for text, content in contents.items()}
    return known, _Keys(*({digest: int(key) for digest, key in found.items()} for found in keys))


@dataclass
class _Batch:
    """Decides on each record by what is stored, and turns those that are taken into rows."""

    records: Sequence[RunRecord]
    uploader: Uploader | None
    accept_hardware: bool
    _taken: list[_Offer] = field(default_factory=list)

    def __post_init__(self) -> None:
        texts = PartTexts()
        self._offers = [
            _Offer(record, stored_form(record, texts), workload_key(record.cell.workload)) for record in self.records
        ]
        self._known, self._keys = _stored_already(self._offers)
        new = [record for record in self.records if run_uuid(record.run_id) not in self._known]
        self._experiments = registration.experiments_named({record.placement.experiment for record in new})
        self._machines = registration.machines_named({record.machine.name for record in new})

    def results(self) -> list[Result]:
        return [self._take(offer) for offer in self._offers]

    def _take(self, offer: _Offer) -> Result:
        record, run_id, content = offer.record, run_uuid(offer.record.run_id), offer.content
        if run_id in self._known:
            return self._meet_again(record, same=self._known[run_id] == content.sha256)
        try:
            self._check_experiment(record.placement.experiment)
            self._check_machine(record.machine.name)
            self._register(record)
        except _RefusedError as refused:
            return Result(record.run_id, "refused", _of(record, refused.refusal))
        self._known[run_id] = content.sha256
        self._taken.append(offer)
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

    def _registered(self, machine: run_record.Machine, owner: User | None) -> Machine:
        try:
            return register_machine(machine=machine, accept_hardware=self.accept_hardware, owner=owner)
        except ConflictError as error:
            raise _RefusedError(
                Refusal("", error.message, "hardware", "machine.fingerprint", machine.fingerprint, "the known hardware")
            ) from None

    def runs(self) -> list[Run]:
        """The rows of all records taken, not stored yet; what they refer to is."""
        taken, keys = self._taken, self._keys
        environments = {each.record.environment.sha256: each.record.environment for each in taken}
        workloads = {each.workload_key: each.record.cell.workload for each in taken}
        parts = {part.sha256: part for each in taken for part in each.content.parts}
        keys.environments = registration.environments_of(environments, keys.environments)
        keys.workloads = registration.workloads_of(workloads, keys.workloads)
        keys.parts = registration.parts_of(parts, keys.parts)
        return [self._row(each) for each in taken]

    def _row(self, offer: _Offer) -> Run:
        record, content, keys = offer.record, offer.content, self._keys
        cell, placement = record.cell, record.placement
        started_at, finished_at = aware_time(record.started_at), aware_time(record.finished_at)
        return _run(
            run_id=run_uuid(record.run_id),
            content_sha256=content.sha256,
            experiment_id=self._experiments[placement.experiment].pk,
            machine_id=self._machines[record.machine.name].pk,
            environment_id=keys.environments[record.environment.sha256],
            workload_id=keys.workloads[offer.workload_key],
            engine=cell.engine,
            track=cell.track,
            device=cell.device,
            threads=cell.threads,
            engine_sha256=record.code.engine_sha256,
            equivalence=record.equivalence,
            status=record.status,
            reason=record.reason,
            block=placement.block,
            position=placement.position,
            started_at=started_at,
            finished_at=finished_at,
            lasted_seconds=max(0.0, (finished_at - started_at).total_seconds()),
            seconds=timed_seconds(record),
            tail_seconds=record.inference.tail_seconds if record.inference else None,
            mean_seconds=record.inference.mean_seconds if record.inference else None,
            body=content.body,
            environment_part_id=keys.parts[content.environment.sha256],
            machine_part_id=keys.parts[content.machine.sha256],
        )


_DEFAULTS = {field.attname: field.get_default() for field in Run._meta.concrete_fields}


def _run(**columns: Any) -> Run:
    """Values by place, which Django takes in half the time that it takes names."""
    values: Any = (_DEFAULTS | columns).values()
    return Run(*values)


def _of(record: RunRecord, refusal: Refusal) -> Refusal:
    return Refusal(record.run_id, refusal.reason, refusal.code, refusal.field, refusal.value, refusal.allowed)


def _forbidden(field: str, value: str, allowed: str, reason: str) -> _RefusedError:
    return _RefusedError(Refusal("", reason, "forbidden", field, value, allowed))
