"""Summaries as the rows of comparisons: read anew each time, and made anew where something changed.

What is made of a summary is kept with its content as the key, so that nothing old is ever shown. Half of a page's time
would go into reading the same JSON, and working out the same estimates, again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from operator import itemgetter
from typing import Any

from django.db.models import F, Max, Q, QuerySet, Sum, TextField
from django.db.models.functions import MD5, Cast, Concat

from engines.contract import Task
from engines.run_record import Equivalence
from runs.findings.cells import NO_SAMPLES, CellRow
from runs.models import Coverage, Environment, Experiment, Summary
from runs.selectors.environments import Known, environments
from runs.selectors.gate_words import Subject, Word, gate_words, subject_of
from runs.selectors.scopes import OFFERED, Scope
from runs.stats import LogSamples
from runs.words.cells import training_words
from runs.words.releases import release_of


def cells_of(scope: Scope, task: Task = "train") -> list[CellRow]:
    """Every cell of an experiment on a machine that does this task, whatever came of it.

    The GPU's come from the machine that the scope names for it. A call's time and an epoch's never meet in one answer.
    """
    return _cells_of(scope, Summary.objects.filter(workload__task=task))


def cells_of_every_task(scope: Scope) -> list[CellRow]:
    """For a list of what is there: none of their times are compared."""
    return _cells_of(scope, Summary.objects.all())


def _cells_of(scope: Scope, summaries: QuerySet[Summary]) -> list[CellRow]:
    if scope.experiment is None or scope.machine is None:
        return []
    own = summaries.filter(experiment=scope.experiment)
    if scope.gpu_machine is None:
        return cell_rows(own.filter(machine=scope.machine))
    return cell_rows(own.filter(Q(machine=scope.machine, device="cpu") | Q(machine=scope.gpu_machine, device="gpu")))


def cells_on_every_machine(scope: Scope) -> list[CellRow]:
    """Of the scope's experiment, every cell that trains, of all its machines: the newest where there are very many."""
    if scope.experiment is None:
        return []
    own = Summary.objects.filter(experiment=scope.experiment, workload__task="train")
    return cell_rows(own.order_by("-newest_run_at", "-pk")[:MOST_CELLS])


MOST_CELLS = 5_000


def cells_with_processor(cpu: str) -> list[CellRow]:
    """Cells that train on the CPU of every machine with a processor of that name: of its newest experiments."""
    if not cpu:
        return []
    own = Coverage.objects.filter(machine__hardware__cpu=cpu).values("experiment", "machine")
    places = own.annotate(cells=Sum("cells"), latest=Max("newest_run_at")).order_by(
        "-latest", "-experiment", "-machine"
    )
    wanted, cells = Q(), 0
    for place in places[:OFFERED]:
        wanted |= Q(experiment=place["experiment"], machine=place["machine"])
        cells += place["cells"]
        if cells > MOST_PEER_CELLS:
            break
    if not cells:
        return []
    return cell_rows(
        Summary.objects.filter(wanted, device="cpu", workload__task="train").order_by("-newest_run_at", "-pk")[
            :MOST_PEER_CELLS
        ]
    )


MOST_PEER_CELLS = 2_000


def cells_trained_as(scope: Scope, asked: CellRow) -> tuple[Experiment | None, list[CellRow]]:
    """Cells that train the very network that is asked, on its data, machine, device and threads: those of the scope's
    experiment, else those of the newest that has some."""
    same = {f"workload__{name}": getattr(asked, name) for name in _ASKED_AND_TRAINED}
    where = {"machine": asked.machine_id, "device": asked.device, "threads": asked.threads}
    own = Summary.objects.filter(workload__task="train", workload__replicas=1, **where, **same)
    of_scope = own.filter(experiment=scope.experiment)
    newest = own.order_by("-newest_run_at", "-experiment").values_list("experiment", flat=True)
    experiment = scope.experiment if of_scope.exists() else Experiment.objects.filter(pk__in=newest[:1]).first()
    return experiment, cell_rows(own.filter(experiment=experiment)) if experiment else []


_ASKED_AND_TRAINED = (
    *("network_type", "hidden_layers", "width", "options"),
    *("dataset", "data_source", "data_sha256"),
)

_SAME = (
    *("engine", "track", "device", "threads", "engine_sha256", "workload_id", "environment_id", "machine_id"),
    "experiment_id",
    *("newest_run_at", "reason"),
)
_OF_THE_WORKLOAD = (
    *("network_type", "hidden_layers", "width", "options", "dataset", "data_source", "data_sha256", "train_samples"),
    *("task", "batch_size", "optimizer", "learning_rate", "replicas", "flops", "parameters"),
)
_COLUMNS = {
    **{name: name for name in _SAME},
    **{name: f"workload__{name}" for name in _OF_THE_WORKLOAD},
    "machine": "machine__name",
    "experiment": "experiment__slug",
    "samples": "samples_text",
    "tails": "tails_text",
    "means": "means_text",
    "status_counts": "counts_text",
}
"""What a row is made of -> where it stands."""
_ENGINE, _ENVIRONMENT = list(_COLUMNS).index("engine"), list(_COLUMNS).index("environment_id")
_SUBJECT = itemgetter(
    *(
        list(_COLUMNS).index(name)
        for name in ("engine", "track", "engine_sha256", "network_type", "task", "optimizer", "replicas", "device")
    ),
    *(list(_COLUMNS).index(name) for name in ("environment_id", "machine_id")),
)
_MOST_KEPT = 10_000


@dataclass(frozen=True, eq=False)
class Reading:
    """Rows, with all by which one sees whether they would be made alike again."""

    rows: list[CellRow]
    marks: Sequence[tuple[int, str]] = ()
    heard: Sequence[tuple[Subject, Word]] = ()
    words: Mapping[Subject, Word] = field(default_factory=dict)


def read_again(summaries: QuerySet[Summary], before: Reading | None) -> Reading:
    """`before` itself, where neither a row nor what the gate said of one has changed since.

    The database takes a hash of each row where it lies: to read a thousand rows only to find them unchanged takes ten
    times as long.
    """
    if before is None or before.marks != list(summaries.annotate(mark=_MARK).values_list("pk", "mark")):
        return _read(summaries, with_marks=True)
    return before if gate_words(before.heard).words == before.words else _read(summaries, with_marks=True)


_MARK = MD5(
    Concat(
        *(
            Cast(name, TextField())
            for name in (
                *("samples", "tails", "means", "status_counts", "reason", "newest_run_at", "equivalence"),
                *("verified_at", "experiment__name", "experiment__slug", "machine__name", "environment__sha256"),
            )
        )
    )
)
"""Of all of a row that can change, and of what is shown with it."""


def cell_rows(summaries: QuerySet[Summary]) -> list[CellRow]:
    """In the summaries' order. Each environment is read once, not once for each of its cells: it is long."""
    return _read(summaries).rows


def _read(summaries: QuerySet[Summary], *, with_marks: bool = False) -> Reading:
    columns_of = {"samples": "samples", "tails": "tails", "means": "means", "counts": "status_counts"}
    texts = {f"{name}_text": Cast(column, TextField()) for name, column in columns_of.items()}
    wanted = (*_COLUMNS.values(), "equivalence", "verified_at")
    marked = summaries.annotate(**texts, mark=_MARK if with_marks else F("pk"))
    read = list(marked.values_list(*wanted, "pk", "mark"))
    found, marks = [columns[:-2] for columns in read], [columns[-2:] for columns in read]
    labels = _labels({(columns[_ENVIRONMENT], columns[_ENGINE]) for columns in found})
    subjects = [subject_of(*_SUBJECT(columns)) for columns in found]
    heard = [(subject, (moment, word)) for subject, (*_, word, moment) in zip(subjects, found, strict=True) if moment]
    words = gate_words(heard)
    made = []
    for subject, columns in zip(subjects, found, strict=True):
        label = labels[columns[_ENVIRONMENT], columns[_ENGINE]]
        row = _cell_row(label, words.of(subject), columns[:-2])
        made.append(_withheld(row, words.reason(subject)) if row.equivalence == "failed" else row)
    return Reading(made, marks, heard, words.words)


def _labels(wanted: set[tuple[int, str]]) -> dict[tuple[int, str], str]:
    known = environments({key for key, _ in wanted})
    return {(key, engine): _label(known[key], engine) for key, engine in wanted}


@lru_cache(maxsize=_MOST_KEPT)
def _label(environment: Known, engine: str) -> str:
    return environment_label(environment, engine)


def _withheld(row: CellRow, reason: str) -> CellRow:
    """Its times count nowhere: the gate failed."""
    return replace(row, samples=NO_SAMPLES, withheld=row.samples, reason=reason)


@lru_cache(maxsize=_MOST_KEPT)
def _cell_row(environment: str, equivalence: Equivalence, columns: tuple[Any, ...]) -> CellRow:
    row = dict(zip(_COLUMNS, columns, strict=True))
    for name in ("samples", "tails", "means"):
        row[name] = _log_samples(json.loads(row[name]))
    row["status_counts"] = json.loads(row["status_counts"])
    return CellRow(
        **row,
        environment=environment,
        release=environment.rpartition(SEPARATOR)[0],
        training=training_words(
            row["task"], row["batch_size"], row["optimizer"], row["learning_rate"], row["replicas"]
        ),
        finished_runs=row["status_counts"].get("finished", 0),
        equivalence=equivalence,
    )


def _log_samples(samples: Sequence[tuple[int, float]]) -> LogSamples:
    return LogSamples(tuple(value for _, value in samples), tuple(int(block) for block, _ in samples))


SEPARATOR = " · "


def environment_label(environment: Environment | Known, engine: str) -> str:
    """The engine's release in it, and what tells it from another of that release: `tensorflow 2.21.0 · 1a2b3c4d`."""
    release = release_of(engine, environment.packages, environment.facts, otherwise=environment.name)
    return f"{release}{SEPARATOR}{environment.sha256[:8]}"
