"""How fast engines answer: one network's cells that are asked, over batch sizes, and what none of them beats. Pure; no
ORM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from runs.findings.alike import newest_of_each
from runs.findings.cells import CellRow
from runs.findings.facets import FACETS_BY_NAME, ONE_NETWORK, Picked, pick
from runs.findings.lines import RIVALS, Lines, lines_along, rival_words
from runs.findings.standings import Standing, standings
from runs.stats import EQUIVALENCE, Estimate, estimate, ratio

CHOICES = (
    ONE_NETWORK,
    *(replace(FACETS_BY_NAME[name], multiple=False) for name in ("data", "device", "threads")),
    replace(FACETS_BY_NAME["track"], starts_with_one=False),
)
"""What one answer is about. Both tracks are, until a reader picks one: who serves takes the fastest way there is."""
FrontWord = Literal["front", "beaten", "unresolved"]


@dataclass(frozen=True)
class Rate:
    """Samples a second, by the mean call: what one process answers that is never idle."""

    value: float
    low: float | None
    high: float | None
    runs: int


@dataclass(frozen=True)
class Answering:
    """One cell that has times: how long its calls take, and how many samples it answers."""

    row: CellRow
    call: Estimate
    """The geometric mean over the runs of their median call."""
    tail: Estimate | None
    """The same of their 99th percentiles."""
    rate: Rate

    @property
    def batch_size(self) -> int:
        return self.row.batch_size

    def surely_beats(self, other: Answering) -> bool:
        """Quicker with each call and answering more: both with their whole 95 % intervals."""
        quicker = ratio(self.row.samples, other.row.samples).low
        per_call = ratio(self.row.means, other.row.means).low
        return bool(quicker and per_call and quicker > 1 and per_call * self.batch_size > other.batch_size)

    def seems_to_beat(self, other: Answering) -> bool:
        """By the estimates alone: no worse in either, and better in one."""
        quicker, more = other.call.seconds - self.call.seconds, self.rate.value - other.rate.value
        return quicker >= 0 and more >= 0 and (quicker > 0 or more > 0)


def answering(row: CellRow) -> Answering | None:
    """None for a cell without times."""
    if not row.estimate or not len(row.means):
        return None
    mean = estimate(row.means)
    low, high = (None if bound is None else row.batch_size / bound for bound in (mean.high, mean.low))
    rate = Rate(row.batch_size / mean.seconds, low, high, mean.runs)
    return Answering(row, row.estimate, estimate(row.tails) if len(row.tails) else None, rate)


@dataclass(frozen=True)
class Line:
    """One engine's cells that differ in nothing but the batch size, the smallest first."""

    points: Sequence[Answering]

    @property
    def row(self) -> CellRow:
        """Any of its cells: what it says of all but batch and times is true of every one."""
        return self.points[0].row

    @property
    def label(self) -> str:
        return rival_words(self.row)


@dataclass(frozen=True)
class Inference:
    """What is known of one network that is asked. `cells` are all that infer."""

    cells: Sequence[CellRow]
    wished: Mapping[str, Sequence[str]]
    rope: float = EQUIVALENCE

    @cached_property
    def picked(self) -> Picked:
        return pick(self.cells, self.wished, CHOICES)

    @cached_property
    def _lines(self) -> Lines:
        return lines_along("batch", self.picked.rows, order=lambda row: row.batch_size)

    @cached_property
    def lines(self) -> list[Line]:
        """One for each engine and track, in the engines' order: of several versions the one with the newest run."""
        found = ([each for row in line if (each := answering(row))] for line in self._lines.kept)
        return [Line(points) for points in found if points]

    @property
    def points(self) -> list[Answering]:
        return [point for line in self.lines for point in line.points]

    @property
    def batch_sizes(self) -> list[int]:
        return sorted({point.batch_size for point in self.points})

    @property
    def differing(self) -> Sequence[str]:
        """Sentences: which batch sizes of an engine stand in no line, since more than the batch differs."""
        return self._lines.not_compared

    @cached_property
    def standings(self) -> list[Standing]:
        """Each batch size's engines by their median calls, the fastest first; what has no time last."""
        drawn = [point.row for point in self.points]
        missing = [row for row in newest_of_each(self.picked.rows) if not row.estimate]
        return standings([*drawn, *missing], but=RIVALS, rope=self.rope)

    @cached_property
    def front(self) -> Mapping[int, FrontWord]:
        """By the identity of each cell that is drawn: whether another answers more samples in less time a call."""
        return {id(point.row): self._front_word(point) for point in self.points}

    def _front_word(self, point: Answering) -> FrontWord:
        if any(other.surely_beats(point) for other in self.points if other is not point):
            return "beaten"
        return "unresolved" if any(other.seems_to_beat(point) for other in self.points) else "front"

    @property
    def front_points(self) -> list[Answering]:
        """The quickest call first."""
        found = [point for point in self.points if self.front[id(point.row)] == "front"]
        return sorted(found, key=lambda point: (point.call.seconds, point.rate.value))
