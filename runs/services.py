"""Writes to the results database. Each is one transaction; a run is stored exactly once, whoever brings it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.text import slugify

from engines import contract, networks
from engines.contract import RunRecord, content_hash
from engines.machine import differences
from runs.errors import ConflictError
from runs.models import CELL_FIELDS, Environment, Experiment, Machine, Run, Summary, Workload
from runs.records import aware_time, content_sha256, epoch_seconds
from runs.summaries import RunFacts, Tally
from runs.validation import from_python


@dataclass(frozen=True)
class Refusal:
    run_id: str
    reason: str


@dataclass(frozen=True)
class RecordingReport:
    """`known` runs were stored before, with the same content; `refused` ones changed nothing."""

    stored: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()


CellKey = tuple[Any, ...]


@transaction.atomic
def record_runs(*, records: Sequence[RunRecord], accept_hardware: bool = False) -> RecordingReport:
    """Store the runs that are not known yet, and their cells' summaries, in one transaction.

    A known id with other content, and other hardware under a known machine's name, are refused, each with its
    reason; the rest of the batch is stored.
    """
    batch = _Batch(_locked_experiments(records), accept_hardware)
    known = dict(
        Run.objects.filter(run_id__in=[record.run_id for record in records]).values_list("run_id", "content_sha256")
    )
    for record in records:
        batch.take(record, known)
    Run.objects.bulk_create(batch.runs)
    _add_to_summaries(batch.runs)
    return RecordingReport(tuple(str(run.run_id) for run in batch.runs), tuple(batch.known), tuple(batch.refused))


def _locked_experiments(records: Sequence[RunRecord]) -> dict[str, Experiment]:
    """The records' experiments, made where they are new, and locked until the transaction ends.

    Uploads to one experiment so go one after the other: no run is inserted, and none counted, twice.
    """
    placements = {record.placement.experiment: record.placement for record in records}
    for name in sorted(placements):
        register_experiment(name=name, suite=placements[name].suite, preset=placements[name].preset)
    locked = Experiment.objects.select_for_update().filter(name__in=placements).order_by("id")
    return {experiment.name: experiment for experiment in locked}


@dataclass
class _Batch:
    """Turns records into rows, looking up each experiment, machine, environment and workload once."""

    experiments: dict[str, Experiment]
    accept_hardware: bool
    runs: list[Run] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    _machines: dict[tuple[str, str], Machine] = field(default_factory=dict)
    _environments: dict[str, Environment] = field(default_factory=dict)
    _workloads: dict[contract.Workload, Workload] = field(default_factory=dict)

    def take(self, record: RunRecord, known: dict[UUID, str]) -> None:
        run_id, content = UUID(record.run_id), content_sha256(record)
        if run_id in known:
            self._meet_again(record.run_id, same=known[run_id] == content)
            return
        known[run_id] = content
        try:
            self.runs.append(self._row(record, run_id, content))
        except ConflictError as error:
            self.refused.append(Refusal(record.run_id, error.message))

    def _meet_again(self, run_id: str, *, same: bool) -> None:
        if same:
            self.known.append(run_id)
        else:
            self.refused.append(Refusal(run_id, "This run id is stored already, with other content."))

    def _row(self, record: RunRecord, run_id: UUID, content: str) -> Run:
        cell = record.cell
        return Run(
            run_id=run_id,
            content_sha256=content,
            experiment=self.experiments[record.placement.experiment],
            machine=self._machine(record.machine),
            environment=self._environment(record.environment),
            workload=self._workload(cell.workload),
            engine=cell.engine,
            track=cell.track,
            device=cell.device,
            threads=cell.threads,
            status=record.status,
            reason=record.reason,
            block=record.placement.block,
            position=record.placement.position,
            started_at=aware_time(record.started_at),
            finished_at=aware_time(record.finished_at),
            epoch_seconds=epoch_seconds(record),
            record=asdict(record),
        )

    def _machine(self, machine: contract.Machine) -> Machine:
        key = (machine.name, machine.fingerprint)
        if key not in self._machines:
            self._machines[key] = register_machine(machine=machine, accept_hardware=self.accept_hardware)
        return self._machines[key]

    def _environment(self, environment: contract.Environment) -> Environment:
        if environment.sha256 not in self._environments:
            fields = asdict(environment)
            self._environments[environment.sha256], _ = Environment.objects.get_or_create(
                sha256=fields.pop("sha256"), defaults=fields
            )
        return self._environments[environment.sha256]

    def _workload(self, workload: contract.Workload) -> Workload:
        if workload not in self._workloads:
            self._workloads[workload], _ = Workload.objects.get_or_create(
                key=content_hash(workload), defaults=_workload_columns(workload)
            )
        return self._workloads[workload]


def _workload_columns(workload: contract.Workload) -> dict[str, Any]:
    network, dataset = workload.network, workload.dataset
    return {
        "network_type": network.type,
        "hidden_layers": network.hidden_layers,
        "width": network.width,
        "dataset": dataset.name,
        "data_source": dataset.source,
        "data_sha256": dataset.sha256,
        "train_samples": dataset.train_samples,
        "test_samples": dataset.test_samples,
        "batch_size": workload.batch_size,
        "optimizer": workload.optimizer.name,
        "learning_rate": workload.optimizer.learning_rate,
        "parameters": networks.parameters(network),
        "flops_per_epoch": networks.flops_per_epoch(
            network, samples=dataset.train_samples, batch_size=workload.batch_size
        ),
    }


def register_experiment(*, name: str, suite: str, preset: str) -> Experiment:
    """The experiment of that name; a new one if there is none."""
    slug = slugify(name)[:90] or "experiment"
    if Experiment.objects.filter(slug=slug).exclude(name=name).exists():
        slug = f"{slug}-{content_hash(name)[:8]}"
    experiment, _ = Experiment.objects.get_or_create(
        name=name, defaults={"slug": slug, "suite": suite, "preset": preset}
    )
    return experiment


@transaction.atomic
def register_machine(*, machine: contract.Machine, accept_hardware: bool = False) -> Machine:
    """The machine of that name. Raises ConflictError if its hardware is another, unless that is accepted."""
    row, made = Machine.objects.select_for_update().get_or_create(
        name=machine.name, defaults={"fingerprint": machine.fingerprint, "hardware": asdict(machine)}
    )
    if made or row.knows(machine.fingerprint):
        return row
    if not accept_hardware:
        raise _other_hardware(row, machine)
    row.accepted_fingerprints = [*row.accepted_fingerprints, row.fingerprint]
    row.fingerprint, row.hardware = machine.fingerprint, asdict(machine)
    row.save()
    return row


def _other_hardware(row: Machine, machine: contract.Machine) -> ConflictError:
    known = from_python(contract.Machine, row.hardware)
    return ConflictError(
        f"The machine {row.name!r} has other hardware here: {'; '.join(differences(known, machine))}. "
        "Choose another name with --machine, or say that it is the same machine with --accept-hardware.",
        {"known": row.hardware, "offered": asdict(machine)},
    )


# ---------------------------------------------------------------- summaries

TALLY_FIELDS = ("samples", "status_counts", "reason", "newest_run_at")


def _cell_key(row: Run | Summary) -> CellKey:
    return tuple(getattr(row, f"{name}_id", None) or getattr(row, name) for name in CELL_FIELDS)


def _facts(run: Run) -> RunFacts:
    return RunFacts(run.block, run.status, run.reason, run.finished_at, run.epoch_seconds)


def _add_to_summaries(runs: Sequence[Run]) -> None:
    by_cell: dict[CellKey, list[Run]] = {}
    for run in runs:
        by_cell.setdefault(_cell_key(run), []).append(run)
    existing = {_cell_key(row): row for row in _summaries_of(runs) if _cell_key(row) in by_cell}
    rows = [_added(existing.get(key), cell_runs) for key, cell_runs in by_cell.items()]
    Summary.objects.bulk_create([row for row in rows if row.pk is None])
    Summary.objects.bulk_update(
        [row for row in rows if row.pk], ["samples", "status_counts", "reason", "newest_run_at"]
    )


def _summaries_of(runs: Sequence[Run]) -> Iterable[Summary]:
    """The summaries that the runs' cells may be among: their experiments are locked, so nobody else writes them."""
    if not runs:
        return []
    return Summary.objects.filter(
        **{
            f"{name}__in": {getattr(run, name) for run in runs}
            for name in CELL_FIELDS
            if name not in ("track", "device")
        }
    )


def _added(summary: Summary | None, runs: Sequence[Run]) -> Summary:
    """The cell's summary with these runs added; a new one, not saved yet, if it had none."""
    first = runs[0]
    row = summary or Summary(**{name: getattr(first, name) for name in CELL_FIELDS})
    tally = Tally(
        [(block, log_seconds) for block, log_seconds in row.samples],
        Counter(row.status_counts),
        row.reason,
        row.newest_run_at if summary else None,
    )
    for run in runs:
        tally.add(_facts(run))
    row.samples, row.status_counts, row.reason = tally.samples, dict(tally.status_counts), tally.reason
    assert tally.newest_run_at is not None  # a cell has a run
    row.newest_run_at = tally.newest_run_at
    return row


@transaction.atomic
def rebuild_summaries() -> int:
    """Make every summary again from the runs; the number of summaries."""
    Summary.objects.all().delete()
    runs = Run.objects.defer("record").order_by(*CELL_FIELDS, "finished_at", "id")
    rows = [_added(None, list(cell_runs)) for _, cell_runs in groupby(runs.iterator(2000), key=_cell_key)]
    Summary.objects.bulk_create(rows, batch_size=1000)
    return len(rows)
