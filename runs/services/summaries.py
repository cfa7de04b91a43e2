"""The writes that keep summaries, and the coverage that counts them, in step with the runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, cast

from django.db import connection, transaction
from django.db.models import Count, Max

from engines.run_record import Equivalence
from runs.models import CELL_FIELDS, Coverage, Experiment, Run, RunQuerySet, Summary
from runs.services import bulk_reads
from runs.services.bulk_writes import insert_rows, update_rows
from runs.services.coverage import add_to_coverage, rebuild_coverage
from runs.services.tally import MOST_SAMPLES, RunFacts, Tally

TALLY_FIELDS = ("samples", "tails", "means", "status_counts", "reason", "newest_run_at", "equivalence", "verified_at")
CellKey = tuple[Any, ...]
_CELL_COLUMNS = [field.attname for field in Summary._meta.concrete_fields if field.name in CELL_FIELDS]
_cell_key: Callable[[Run | Summary], CellKey] = attrgetter(*_CELL_COLUMNS)


def _facts(run: Run) -> RunFacts:
    """An excluded run counts as such, and gives no sample and no word of the gate's."""
    if run.is_excluded:
        return RunFacts(run.block, "excluded", run.exclusion_reason, run.finished_at, None)
    word: Any = run.equivalence
    return RunFacts(
        run.block, run.status, run.reason, run.finished_at, run.seconds, word, run.tail_seconds, run.mean_seconds
    )


def add_to_summaries(runs: Sequence[Run]) -> None:
    """Add newly stored runs to their cells' summaries, which stay locked until the transaction ends.

    Raises IntegrityError where another transaction makes the same cell's first summary: then all is to be done again.
    """
    by_cell: dict[CellKey, list[Run]] = {}
    for run in runs:
        by_cell.setdefault(_cell_key(run), []).append(run)
    existing = {_cell_key(row): row for row in _locked_summaries(runs) if _cell_key(row) in by_cell}
    rows = [_added(existing.get(key), by_cell[key]) for key in sorted(by_cell)]
    new = [row for row in rows if row.pk is None]
    insert_rows(new)
    update_rows([row for row in rows if row.pk], TALLY_FIELDS)
    add_to_coverage(runs, new)


def _locked_summaries(runs: Sequence[Run]) -> Iterable[Summary]:
    """The summaries that the runs' cells may be among, locked in one order."""
    if not runs:
        return []
    wanted = {name: list({getattr(run, name) for run in runs}) for name in _CELL_COLUMNS}
    return bulk_reads.rows(Summary, wanted, lock=True)


def _added(summary: Summary | None, runs: Sequence[Run]) -> Summary:
    """The cell's summary with these runs added; a new one, not saved yet, if it had none."""
    row = summary or Summary(**dict(zip(_CELL_COLUMNS, _cell_key(runs[0]), strict=True)))
    samples, tails, means = ([(block, log) for block, log in kept] for kept in (row.samples, row.tails, row.means))
    tally = Tally(
        samples,
        tails,
        means,
        Counter(row.status_counts),
        row.reason,
        row.newest_run_at if summary else None,
        cast(Equivalence, row.equivalence),
        row.verified_at,
    )
    for run in runs:
        tally.add(_facts(run))
    return _with_tally(row, tally)


def _with_tally(row: Summary, tally: Tally) -> Summary:
    row.samples, row.tails, row.means = tally.samples, tally.tails, tally.means
    row.status_counts, row.reason = dict(tally.status_counts), tally.reason
    assert tally.newest_run_at is not None  # a cell has a run
    row.newest_run_at = tally.newest_run_at
    row.equivalence, row.verified_at = tally.equivalence, tally.verified_at
    return row


@transaction.atomic
def recount(run: Run) -> None:
    """Make the summary of a run's cell again: from the few of its runs that decide it, and a count of all."""
    cell = {name: getattr(run, name) for name in CELL_FIELDS}
    row = Summary.objects.select_for_update().get(**cell)
    own = Run.objects.of_cell(cell)
    tally = Tally()
    for each in _deciding(own):
        tally.add(_facts(each))
    tally.status_counts = _status_counts(own)
    _with_tally(row, tally).save(update_fields=TALLY_FIELDS)


def _deciding(runs: RunQuerySet) -> list[Run]:
    """The runs of a cell that its summary shows: its newest samples, its newest word of the gate, its newest end."""
    counting = runs.filter(excluded_at=None)
    found = [
        *counting.finished().order_by("-block", "-seconds")[:MOST_SAMPLES],
        *counting.exclude(equivalence="unverified").order_by("-finished_at", "equivalence")[:1],  # `failed` first
        *runs.filter(finished_at=runs.aggregate(newest=Max("finished_at"))["newest"]),
    ]
    return list({run.pk: run for run in found}.values())


def _status_counts(runs: RunQuerySet) -> Counter[str]:
    counted = Counter(dict(runs.filter(excluded_at=None).values_list("status").annotate(Count("pk"))))
    excluded = runs.exclude(excluded_at=None).count()
    return counted + Counter(excluded=excluded)


_PIECE = ("machine", "engine", "track")


@transaction.atomic
def rebuild_summaries(**conditions: Any) -> int:
    """Make every summary again from the runs, or only those of one machine (`machine=…`); their number."""
    hold_off_writers()
    Summary.objects.filter(**conditions).delete()
    runs = Run.objects.filter(**conditions).defer("body").order_by(*CELL_FIELDS, "finished_at", "id")
    rows = [_added(None, list(cell_runs)) for _, cell_runs in groupby(runs.iterator(2000), key=_cell_key)]
    Summary.objects.bulk_create(rows, batch_size=1000)
    rebuild_coverage(**conditions)
    return len(rows)


def rebuild_in_pieces(experiment: Experiment) -> Iterator[int]:
    """The same for one experiment, a transaction for each engine of each machine: writers wait for one piece at most.

    Yields how many summaries each piece has. A piece whose runs are gone loses its summaries.
    """
    pieces: set[tuple[Any, ...]] = set()
    for model in (Run, Summary, Coverage):
        pieces.update(model.objects.filter(experiment=experiment).order_by().values_list(*_PIECE).distinct())
    for piece in sorted(pieces):
        yield rebuild_summaries(experiment=experiment, **dict(zip(_PIECE, piece, strict=True)))


def hold_off_writers() -> None:
    """SQLite's transactions hold its one write lock from the start; PostgreSQL must be asked."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {connection.ops.quote_name(Run._meta.db_table)} IN SHARE ROW EXCLUSIVE MODE")
