"""Which cells are alike: equal in all but what is compared. Every comparison asks this, and nothing else. Pure; no ORM.

A cell's *place* is everything that can be held equal. A comparison says which aspects of it may differ; all others must
be equal, else there is no ratio, but a sentence that names what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from runs.findings.cells import CellRow
from runs.words import numbers
from runs.words.cells import task_words, threads_words
from runs.words.engines import engine_title
from runs.words.networks import named
from runs.words.releases import release_key

Aspect = Literal[
    "network",
    "data",
    "training",
    "batch",
    "replicas",
    "engine",
    "track",
    "device",
    "threads",
    "machine",
    "environment",
    "code",
]
Held = tuple[Any, ...]
"""What must be equal for two cells to be compared: the key of a group."""

_COLUMNS: Mapping[Aspect, tuple[str, ...]] = {
    "network": ("network_type", "hidden_layers", "width", "options"),
    "data": ("dataset", "data_source", "data_sha256", "train_samples"),
    "training": ("task", "optimizer", "learning_rate"),
    "batch": ("batch_size",),
    "replicas": ("replicas",),
    "engine": ("engine",),
    "track": ("track",),
    "device": ("device",),
    "threads": ("threads",),
    "machine": ("machine_id",),
    "environment": ("environment_id",),
    "code": ("engine_sha256",),
}
_OF_ANOTHER_RELEASE: Mapping[Aspect, tuple[str, ...]] = {"environment": ("release",)}
"""A GPU build is an environment of its own, and two machines hardly ever share one to the last package."""


class Place(NamedTuple):
    """A cell, by the keys of the rows that its runs refer to: where its runs are found."""

    engine: str
    workload_id: int
    track: str
    device: str
    threads: int
    environment_id: int
    machine_id: int
    engine_sha256: str


_PLACE = attrgetter(*Place._fields)


def place(row: CellRow) -> Place:
    return Place(*_PLACE(row))


def held(row: CellRow, *, but: Aspect | tuple[Aspect, ...]) -> Held:
    """What must be equal for this cell to be compared with another that may differ in `but`.

    Engines have environments and code of their own, so that these may differ wherever engines may. Where devices or
    machines may differ, the environments' releases must still be equal: the framework's version and its backend's.
    """
    found: Held = _holding((but,) if isinstance(but, str) else but)(row)
    return found


@cache
def _holding(but: tuple[Aspect, ...]) -> attrgetter[Any]:
    return attrgetter(*(column for columns in _held_columns(but).values() for column in columns))


@cache
def _held_columns(but: tuple[Aspect, ...]) -> dict[Aspect, tuple[str, ...]]:
    free: set[Aspect] = {*but, *(("environment", "code") if "engine" in but else ())}
    columns = {**_COLUMNS, **(_OF_ANOTHER_RELEASE if free & {"device", "machine"} else {})}
    return {aspect: names for aspect, names in columns.items() if aspect not in free}


def alike(rows: Iterable[CellRow], *, but: Aspect | tuple[Aspect, ...]) -> list[list[CellRow]]:
    """The cells in groups that differ in `but` at most, in the order in which each group's first one comes."""
    groups: dict[Held, list[CellRow]] = {}
    for row in rows:
        groups.setdefault(held(row, but=but), []).append(row)
    return list(groups.values())


def newest_of_each(rows: Iterable[CellRow]) -> list[CellRow]:
    """Of cells that differ in environment and code alone, the newest release's with the newest run: the others are
    history. The newest release is the highest version: several may have been measured side by side.
    """
    return [max(group, key=_newest_last) for group in alike(rows, but=("environment", "code"))]


def _newest_last(row: CellRow) -> tuple[Any, datetime, int, str]:
    return release_key(row.release), row.newest_run_at, row.environment_id, row.engine_sha256


# ---------------------------------------------------------------- what differs, in words

_TITLES: Mapping[Aspect, str] = {
    "network": _("network"),
    "data": _("data"),
    "training": _("training"),
    "batch": _("batch size"),
    "replicas": _("replicas"),
    "engine": _("engine"),
    "track": _("track"),
    "device": _("device"),
    "threads": _("CPU threads"),
    "machine": _("machine"),
    "environment": _("environment"),
    "code": _("the engine's code"),
}
_LABELS: Mapping[Aspect, Callable[[CellRow], str]] = {
    "network": lambda row: named(row.network),
    "data": lambda row: f"{row.data_label} ({row.data_sha256[:8]})",
    "training": lambda row: task_words(row.task) if row.task == "infer" else f"{row.optimizer} {row.learning_rate:g}",
    "batch": lambda row: numbers.count(row.batch_size),
    "replicas": lambda row: numbers.count(row.replicas),
    "engine": lambda row: engine_title(row.engine),
    "track": lambda row: gettext(row.track),
    "device": lambda row: row.device.upper(),
    "threads": lambda row: numbers.count(row.threads),
    "machine": lambda row: row.machine,
    "environment": lambda row: row.environment,
    "code": lambda row: row.engine_sha256[:8],
}


def differences(first: CellRow, second: CellRow, *, but: Aspect | tuple[Aspect, ...]) -> tuple[Aspect, ...]:
    """What differs between two cells beside what may; empty where they can be compared."""
    columns = _held_columns((but,) if isinstance(but, str) else but)
    return tuple(
        aspect
        for aspect, names in columns.items()
        if any(getattr(first, name) != getattr(second, name) for name in names)
    )


def difference_words(first: CellRow, second: CellRow, aspects: Sequence[Aspect]) -> str:
    """`environment: TensorFlow 2.20 · 1a2b3c4d / TensorFlow 2.21 · 5e6f7a8b`."""
    return "; ".join(
        f"{gettext(_TITLES[aspect])}: {_LABELS[aspect](first)} / {_LABELS[aspect](second)}" for aspect in aspects
    )


def not_compared_words(first: CellRow, second: CellRow, *, but: Aspect | tuple[Aspect, ...]) -> str:
    """Why there is no ratio of two cells that one would look for."""
    where = threads_words(second.threads) if second.device == "cpu" else second.device.upper()
    named = f"{engine_title(second.engine)}, {second.network}, {where}"
    words = difference_words(first, second, differences(first, second, but=but))
    return gettext("{cell}: not compared, because more differs than what is being compared. {differences}.").format(
        cell=named, differences=words
    )


# ---------------------------------------------------------------- what was held equal, in files and answers

HELD_NAMES = (
    "network_options",
    "dataset",
    "data_source",
    "data_sha256",
    "train_samples",
    "task",
    "batch_size",
    "optimizer",
    "learning_rate",
    "replicas",
    "experiment",
    "machine",
    "environment",
    "engine_sha256",
    "equivalence",
)
"""What a table does not show of each row, and a file must name."""


def held_values(row: CellRow) -> tuple[str | float, ...]:
    return (
        row.options,
        row.dataset,
        row.data_source,
        row.data_sha256,
        row.train_samples,
        row.task,
        row.batch_size,
        row.optimizer,
        row.learning_rate,
        row.replicas,
        row.experiment,
        row.machine,
        row.environment,
        row.engine_sha256,
        row.equivalence,
    )
