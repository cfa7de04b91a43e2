"""How engines scale over CPU threads: cells that differ in nothing but threads. Pure; no ORM."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.utils.translation import gettext as _

from runs.findings.alike import alike, not_compared_words
from runs.findings.cells import CellRow
from runs.stats import ScalingPoint, scaling
from runs.words.engines import engine_place, engine_title


@dataclass(frozen=True)
class Line:
    """One engine's cells by thread count, which differ in nothing else, and how they scale."""

    cells: Mapping[int, CellRow]

    @property
    def row(self) -> CellRow:
        """Any of its cells: what it says of all but threads and times is true of every one."""
        return next(iter(self.cells.values()))

    @property
    def label(self) -> str:
        return engine_title(self.row.engine) + ("" if self.row.track == "idiomatic" else f" · {_(self.row.track)}")

    @cached_property
    def scaling(self) -> Mapping[int, ScalingPoint]:
        """Empty without a time at one thread, which the others are held against."""
        return {point.threads: point for point in scaling({n: row.samples for n, row in self.cells.items()})}


def lines(rows: Iterable[CellRow]) -> list[Line]:
    """All that have times on the CPU with two thread counts at least, in the engines' order."""
    timed = [row for row in rows if row.device == "cpu" and len(row.samples)]
    groups = (sorted(group, key=lambda row: row.threads) for group in alike(timed, but="threads"))
    found = [Line({row.threads: row for row in group}) for group in groups if len(group) > 1]
    return sorted(found, key=lambda line: (*engine_place(line.row.engine), line.row.track, str(line.row.network)))


def newest_lines(rows: Sequence[CellRow]) -> list[Line]:
    """Of lines that differ in environment and code alone, the one with the newest run: the others are history."""
    newest: dict[tuple[str, str, int], Line] = {}
    for line in lines(rows):
        key = line.row.engine, line.row.track, line.row.workload_id
        if key not in newest or _age(line) > _age(newest[key]):
            newest[key] = line
    return list(newest.values())


def _age(line: Line) -> float:
    return max(row.newest_run_at.timestamp() for row in line.cells.values())


def differing(rows: Iterable[CellRow]) -> list[str]:
    """Sentences: which thread counts of an engine stand in no scaling, and what they differ in beside threads."""
    timed = [row for row in rows if row.device == "cpu" and len(row.samples)]
    found = []
    for group in alike(timed, but=("threads", "environment", "code")):
        newest = {row.threads: row for row in sorted(group, key=_newest_last)}
        compared = {row.threads for same in alike(group, but="threads") if len(same) > 1 for row in same}
        left = [newest[threads] for threads in sorted(newest) if threads not in compared]
        beside = newest[min(compared, default=min(newest))]
        found += [not_compared_words(beside, row, but="threads") for row in left if row is not beside]
    return found


def _newest_last(row: CellRow) -> datetime:
    return row.newest_run_at
