"""Any two selections of cells side by side: the ratio of each workload, their geometric mean, and what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import gettext as _

from runs.charts.style import Chip, chip
from runs.findings.alike import Aspect, Held, alike, differences, held, not_compared_words
from runs.findings.cells import CellRow
from runs.findings.software import Changed, Software, changes
from runs.findings.standings import verdict_note
from runs.selectors.environments import environments
from runs.selectors.scopes import Scope
from runs.stats import EQUIVALENCE, LogSamples, Ratio, aggregate_ratio, judge, ratio
from runs.words import numbers
from runs.words.engines import engine_place, engine_title
from runs.words.networks import network_place

DIMENSIONS: Mapping[Aspect, Callable[[CellRow], str]] = {
    "engine": lambda row: row.engine,
    "track": lambda row: row.track,
    "device": lambda row: row.device,
    "threads": lambda row: str(row.threads),
    "environment": lambda row: str(row.environment_id),
}
LABELS: Mapping[Aspect, Callable[[CellRow], str]] = {
    "engine": lambda row: engine_title(row.engine),
    "track": lambda row: _(row.track),
    "device": lambda row: row.device.upper(),
    "threads": lambda row: numbers.count(row.threads),
    "environment": lambda row: row.environment,
}


@dataclass(frozen=True)
class Side:
    """One selection: a scope, what is fixed of it, and its cells. `letter` is what the address calls it."""

    letter: str
    scope: Scope
    fixed: Mapping[Aspect, str]
    rows: Sequence[CellRow]

    @property
    def mark(self) -> str:
        """What the page calls it."""
        return self.letter.upper()

    @property
    def title(self) -> str:
        words = [LABELS[name](self._any(name)) for name in self.fixed if self._any(name)]
        machine = self.scope.machine.name if self.scope.machine else ""
        return " · ".join([*(words or [_("All engines")]), machine])

    def _any(self, name: Aspect) -> CellRow:
        return next(row for row in self.rows if DIMENSIONS[name](row) == self.fixed[name])

    @cached_property
    def in_order(self) -> list[CellRow]:
        return sorted(self.rows, key=lambda row: (engine_place(row.engine), row.threads))

    @property
    def engine(self) -> str:
        return self.fixed.get("engine", "")


@dataclass(frozen=True)
class Pairing:
    """A workload that one side has at least, with the cell of each side."""

    a: CellRow | None
    b: CellRow | None
    letter: str = "B"
    """Which side `b` is of."""
    ratio: Ratio | None = None
    verdict: str = ""
    difference: str = ""
    """What differs beside what is compared: then there is no ratio, though both have times."""
    note: str = ""
    """By what the verdict was decided, where it was not the interval that is shown."""

    @property
    def row(self) -> CellRow:
        found = self.b or self.a
        assert found is not None, "a pairing has a side at least"
        return found


@dataclass(frozen=True)
class Compared:
    a: Side
    b: Side
    rope: float = EQUIVALENCE
    """The region of practical equivalence of the noisier machine."""

    @property
    def may_differ(self) -> tuple[Aspect, ...]:
        """What a reader fixed to other values on the two sides. All else must be equal."""
        values = (_fixed(self.a, self.b), _fixed(self.b, self.a))
        found: list[Aspect] = [name for name in DIMENSIONS if values[0].get(name) != values[1].get(name)]
        return (*found, *(("machine",) if self.a.scope.machine != self.b.scope.machine else ()))

    @cached_property
    def pairings(self) -> list[Pairing]:
        loosely: tuple[Aspect, ...] = (*self.may_differ, "environment", "code")
        own, other = _by_key(self.a, self.b, loosely), _by_key(self.b, self.a, loosely)
        keys = sorted({**own, **other}, key=lambda key: in_order((own.get(key) or other[key])[0]))
        return [self._pairing(own.get(key, []), other.get(key, [])) for key in keys]

    def _pairing(self, own: Sequence[CellRow], other: Sequence[CellRow]) -> Pairing:
        """The newest two that are alike; both sides' cells come with the newest first."""
        fitting = ((a, b) for a in own for b in other if not differences(a, b, but=self.may_differ))
        pair = next(fitting, None)
        a, b = pair or (next(iter(own), None), next(iter(other), None))
        if not a or not b or not len(a.samples) or not len(b.samples):
            return Pairing(a, b, self.b.mark)
        if not pair:
            return Pairing(a, b, self.b.mark, difference=not_compared_words(a, b, but=self.may_differ))
        sides = self._samples(a, b)
        found, verdict = ratio(*sides), judge(*sides, rope=self.rope)
        return Pairing(a, b, self.b.mark, found, verdict, note=verdict_note(found, verdict, self.rope))

    def _samples(self, a: CellRow, b: CellRow) -> tuple[LogSamples, LogSamples]:
        """Blocks pair only what stood in them side by side."""
        same_scope = self.a.scope.experiment == self.b.scope.experiment and self.a.scope.machine == self.b.scope.machine
        if same_scope and (a.device, a.threads) == (b.device, b.threads):
            return a.samples, b.samples
        return a.samples.unpaired, b.samples.unpaired

    @cached_property
    def common(self) -> list[Pairing]:
        return [pairing for pairing in self.pairings if pairing.ratio]

    @property
    def missing(self) -> list[Pairing]:
        return [pairing for pairing in self.pairings if not pairing.ratio]

    @cached_property
    def mean(self) -> Ratio | None:
        return self.mean_of(self.common)

    def mean_of(self, pairings: Sequence[Pairing]) -> Ratio | None:
        """The geometric mean of their ratios."""
        found = [self._samples(pairing.a, pairing.b) for pairing in pairings if pairing.a and pairing.b]
        return aggregate_ratio(found) if found else None

    @cached_property
    def software(self) -> list[Changed]:
        """What else two environments of one engine differ in, package by package; nothing between engines."""
        pair = next(((each.a, each.b) for each in self.common if each.a and each.b), None)
        if pair is None or pair[0].engine != pair[1].engine or pair[0].environment_id == pair[1].environment_id:
            return []
        known = environments([row.environment_id for row in pair])
        sides = [known[row.environment_id] for row in pair]
        return list(changes(*(Software(each.python, each.packages, each.facts) for each in sides)))

    @property
    def mean_words(self) -> str:
        return numbers.times(self.mean.value) if self.mean else numbers.NONE

    @property
    def mean_interval(self) -> str:
        return numbers.interval(self.mean.low, self.mean.high, "×") if self.mean else numbers.NONE

    @property
    def verdict_counts(self) -> list[tuple[Chip, int]]:
        counts = Counter(pairing.verdict for pairing in self.common)
        return [(chip(verdict), count) for verdict, count in counts.most_common()]


def _fixed(side: Side, other: Side) -> dict[Aspect, str]:
    """What a side leaves open takes the other's value; but no environment, of which engines have their own."""
    fixed = {**other.fixed, **side.fixed}
    if "environment" not in side.fixed:
        fixed.pop("environment", None)
    return fixed


def _by_key(side: Side, other: Side, loosely: tuple[Aspect, ...]) -> dict[Held, list[CellRow]]:
    """The side's cells under what they share with the other's, the newest first."""
    fixed = _fixed(side, other)
    own = [row for row in side.rows if all(DIMENSIONS[name](row) == value for name, value in fixed.items())]
    newest_first = sorted(own, key=lambda row: row.newest_run_at, reverse=True)
    return {held(group[0], but=loosely): group for group in alike(newest_first, but=loosely)}


def in_order(row: CellRow) -> tuple[object, ...]:
    return (*_size_order(row), engine_place(row.engine))


def in_workload_order(row: CellRow) -> tuple[object, ...]:
    """Whatever the engine."""
    return (*_size_order(row), row.track, row.data_label, row.training)


def _size_order(row: CellRow) -> tuple[object, ...]:
    return network_place(row.network_type), row.device, row.threads, row.hidden_layers, row.width
