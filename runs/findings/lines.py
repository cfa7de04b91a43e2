"""Lines of cells that differ in one aspect alone, one for each engine and track. Pure; no ORM."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from runs.findings.alike import Aspect, alike, newest_of_each, not_compared_words
from runs.findings.cells import CellRow
from runs.words.engines import engine_place, engine_title

RIVALS: tuple[Aspect, ...] = ("engine", "track")
"""Both tracks of an engine stand beside all others': who looks for the fastest way takes either."""
Rival = tuple[str, str]


def rival(row: CellRow) -> Rival:
    return row.engine, row.track


def rival_words(row: CellRow) -> str:
    """`PyTorch`, `PyTorch · tuned`."""
    return engine_title(row.engine) + ("" if row.track == "idiomatic" else f" · {_(row.track)}")


@dataclass(frozen=True)
class Lines:
    """Of each engine and track the line with the newest run, in the engines' order; what of others stands in none."""

    kept: Sequence[Sequence[CellRow]]
    not_compared: Sequence[str]
    """Sentences: what differs in more than it may."""


def lines_along(aspect: Aspect, rows: Iterable[CellRow], *, order: Callable[[CellRow], Any]) -> Lines:
    """`rows` share all but engine, track, version and `aspect`; those with times are lined up in the given order.

    What an older version gave is history even where the newest gave no time.
    """
    timed = [row for row in newest_of_each(rows) if row.estimate]
    groups = sorted(alike(timed, but=aspect), key=_age, reverse=True)
    newest: dict[Rival, list[CellRow]] = {}
    for group in groups:
        newest.setdefault(rival(group[0]), sorted(group, key=order))
    left = [row for group in groups for row in group if row not in newest[rival(row)]]
    kept = sorted(newest.values(), key=lambda line: (*engine_place(line[0].engine), line[0].track))
    return Lines(kept, [not_compared_words(newest[rival(row)][0], row, but=aspect) for row in left])


def _age(rows: Sequence[CellRow]) -> float:
    return max(row.newest_run_at.timestamp() for row in rows)
