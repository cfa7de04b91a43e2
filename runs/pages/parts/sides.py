"""Any two selections of cells side by side: the ratio of each workload, their geometric mean, and what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log

from django.http import QueryDict
from django.utils.translation import gettext as _

from runs.charts.forest import Forest, Mark, forest
from runs.charts.style import Chip, chip
from runs.findings.alike import HELD_NAMES, Aspect, Held, alike, differences, held, held_values, not_compared_words
from runs.findings.cells import CellRow
from runs.findings.choices import Select
from runs.findings.facets import ONE_NETWORK
from runs.findings.software import Changed, Software, changes
from runs.findings.standings import verdict_note
from runs.pages.parts.cells import row_style, time_cell
from runs.pages.parts.comparison import throughput
from runs.selectors import scopes
from runs.selectors.cells import cells_of
from runs.selectors.environments import environments
from runs.selectors.machines import region_of
from runs.selectors.scopes import Scope
from runs.stats import EQUIVALENCE, LogSamples, Ratio, aggregate_ratio, judge, ratio
from runs.tables.table import Column, Table, TableCell, ratio_values
from runs.words import numbers
from runs.words.cells import missing_words, on_words
from runs.words.engines import engine_place, engine_title
from runs.words.networks import network_name, network_place, network_plural
from runs.words.reasons import reason_in_words

MOST_DRAWN = 10
DIMENSIONS: Mapping[Aspect, Callable[[CellRow], str]] = {
    "engine": lambda row: row.engine,
    "track": lambda row: row.track,
    "device": lambda row: row.device,
    "threads": lambda row: str(row.threads),
    "environment": lambda row: str(row.environment_id),
}
_LABELS: Mapping[Aspect, Callable[[CellRow], str]] = {
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
    def title(self) -> str:
        words = [_LABELS[name](self._any(name)) for name in self.fixed if self._any(name)]
        machine = self.scope.machine.name if self.scope.machine else ""
        return " · ".join([*(words or [_("All engines")]), machine])

    def _any(self, name: Aspect) -> CellRow:
        return next(row for row in self.rows if DIMENSIONS[name](row) == self.fixed[name])

    @cached_property
    def in_order(self) -> list[CellRow]:
        return sorted(self.rows, key=lambda row: (engine_place(row.engine), row.threads))

    @property
    def selects(self) -> list[Select]:
        return [_select(self, name) for name in DIMENSIONS]


@dataclass(frozen=True)
class Pairing:
    """A workload that one side has at least, with the cell of each side."""

    a: CellRow | None
    b: CellRow | None
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
class Named:
    data: bool
    training: bool


@dataclass(frozen=True)
class Compared:
    a: Side
    b: Side
    rope: float = EQUIVALENCE
    """The region of practical equivalence of the noisier machine."""
    offered: Sequence[CellRow] = ()
    """Of A's scope, whatever the network."""
    wished: str = ""
    """The family or the network that both sides are narrowed to."""

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
        keys = sorted({**own, **other}, key=lambda key: _order((own.get(key) or other[key])[0]))
        return [self._pairing(own.get(key, []), other.get(key, [])) for key in keys]

    def _pairing(self, own: Sequence[CellRow], other: Sequence[CellRow]) -> Pairing:
        """The newest two that are alike; both sides' cells come with the newest first."""
        fitting = ((a, b) for a in own for b in other if not differences(a, b, but=self.may_differ))
        pair = next(fitting, None)
        a, b = pair or (next(iter(own), None), next(iter(other), None))
        if not a or not b or not len(a.samples) or not len(b.samples):
            return Pairing(a, b)
        if not pair:
            return Pairing(a, b, difference=not_compared_words(a, b, but=self.may_differ))
        sides = self._samples(a, b)
        found, verdict = ratio(*sides), judge(*sides, rope=self.rope)
        return Pairing(a, b, found, verdict, note=verdict_note(found, verdict, self.rope))

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

    @property
    def network(self) -> Select:
        """All networks, a family of them, or one."""
        families = {row.network_type: network_plural(row.network_type) for row in sorted(self.offered, key=_order)}
        sizes = {ONE_NETWORK.value(row): ONE_NETWORK.label(row) for row in sorted(self.offered, key=ONE_NETWORK.order)}
        choices = [*families.items(), *(sizes.items() if len(sizes) > 1 else ())]
        return Select("network", _("Network"), choices, self.wished if self.wished in dict(choices) else "")

    @property
    def most_different(self) -> list[Pairing]:
        """Those drawn: the largest differences first. The tables have all."""
        return sorted(self.common, key=_difference, reverse=True)[:MOST_DRAWN]

    @property
    def forest(self) -> Forest:
        return forest([_mark(pairing, self.named) for pairing in self.most_different], rope=self.rope)

    @property
    def is_synthetic(self) -> bool:
        return any(pairing.row.is_synthetic for pairing in self.pairings)

    @cached_property
    def named(self) -> Named:
        """What of their data and training rows differ in, so that each must say which is its own."""
        rows = [pairing.row for pairing in self.pairings]
        types = len({row.network_type for row in rows})
        return Named(
            data=len({(row.network_type, row.data_key) for row in rows}) > types,
            training=len({(row.network_type, row.training_key) for row in rows}) > types,
        )

    # ------------------------------------------------------------ tables

    @property
    def table(self) -> Table:
        return self.table_of(self.common, _("Time per epoch, workload by workload"))

    def table_of(self, pairings: Sequence[Pairing], caption: str) -> Table:
        columns = [
            Column(_("Workload"), sort="workload", exports=_WORKLOAD_EXPORTS),
            Column(_("A"), is_number=True, sort="a", exports=("a_seconds",)),
            Column(_("B"), is_number=True, sort="b", exports=("b_seconds",)),
            Column(_("B over A"), is_number=True, sort="ratio", exports=("ratio", "low", "high")),
            # xgettext:no-python-format
            Column(_("95 % interval"), is_number=True, exports=("interval",)),
            Column(_("Verdict"), sort="verdict", exports=("verdict",)),
        ]
        return Table(caption, columns, [_row(pairing, self.named) for pairing in pairings])

    @property
    def missing_table(self) -> Table:
        columns = [Column(_("Workload")), Column(_("A")), Column(_("B")), Column(_("Why"), wraps=True)]
        return Table(_("Not compared"), columns, [_missing_row(pairing, self.named) for pairing in self.missing])


_WORKLOAD_EXPORTS = (
    *("network", "data", "engine", "device", "threads"),
    *(f"{side}_{name}" for side in "ab" for name in HELD_NAMES),
)


def _words(row: CellRow, named: Named) -> str:
    where = on_words(row.device, row.threads, row.track, counts_one=False)
    size = network_name(row.network_type, row.hidden_layers, row.width, row.options)
    parts = [size, *([] if where == "CPU" else [where])]
    parts += [row.data_label] if named.data else []
    parts += [row.training] if named.training else []
    return ", ".join(parts)


def _row(pairing: Pairing, named: Named) -> list[TableCell]:
    row, found = pairing.row, pairing.ratio
    if not found or not pairing.a or not pairing.b:
        raise ValueError("Only what both sides have is compared.")
    times = [side.estimate.seconds if side.estimate else None for side in (pairing.a, pairing.b)]
    words = numbers.interval(found.low, found.high, "×")
    return [
        TableCell(
            _words(row, named),
            style=row_style(row),
            title=f"{row.data_label}, {row.device.upper()}",
            values=(
                *(str(row.network), row.data_label, row.engine, row.device, row.threads),
                *held_values(pairing.a),
                *held_values(pairing.b),
            ),
        ),
        TableCell(numbers.seconds(times[0]), title=throughput(pairing.a), values=(times[0],)),
        TableCell(numbers.seconds(times[1]), title=throughput(pairing.b), values=(times[1],)),
        TableCell(numbers.times(found.value), values=ratio_values(found)),
        TableCell(words),
        TableCell(chip=chip(pairing.verdict), title=pairing.note, values=(pairing.verdict,)),
    ]


def _missing_row(pairing: Pairing, named: Named) -> list[TableCell]:
    row = pairing.row
    reasons = [reason_in_words(side.reason) for side in (pairing.a, pairing.b) if side and side.reason]
    reasons += [pairing.difference] if pairing.difference else []
    return [
        TableCell(_words(row, named), style=row_style(row), title=row.data_label),
        *(_side_cell(side) for side in (pairing.a, pairing.b)),
        TableCell(" ".join(dict.fromkeys(reasons)) or numbers.NONE),
    ]


def _side_cell(side: CellRow | None) -> TableCell:
    if side is None:
        return TableCell(chip=Chip(missing_words("not_run")))
    if side.estimate or len(side.withheld):
        return time_cell(side)
    return TableCell(chip=Chip(side.missing))


def _difference(pairing: Pairing) -> float:
    return abs(log(pairing.ratio.value)) if pairing.ratio else 0.0


def _mark(pairing: Pairing, named: Named) -> Mark:
    found = pairing.ratio
    assert found, "only what both sides have is drawn"
    return Mark(
        _words(pairing.row, named),
        row_style(pairing.row),
        chip(pairing.verdict),
        found.value,
        found.low,
        found.high,
    )


# ---------------------------------------------------------------- what is asked for


def compared(query: QueryDict) -> Compared:
    scope = scopes.scope(query.get("a_experiment", ""), query.get("a_machine", ""))
    wished = query.get("network", "")
    offered = cells_of(scope)
    rows = _of_network(offered, wished)
    other, other_rows = scope, rows
    asked = (query.get("b_experiment", ""), query.get("b_machine", ""))
    if any(asked) and asked != (query.get("a_experiment", ""), query.get("a_machine", "")):
        other = scopes.scope(*asked)
        other_rows = _of_network(cells_of(other), wished)
    first, second = _first_engines(rows)
    sides = _side("a", query, scope, rows, first), _side("b", query, other, other_rows, second)
    return Compared(*sides, region_of(scope.machine, other.machine), offered, wished)


def _of_network(rows: Sequence[CellRow], wished: str) -> Sequence[CellRow]:
    """Those of a family or of one network; all where none of them is such."""
    return [row for row in rows if wished in (row.network_type, ONE_NETWORK.value(row))] or rows


def _first_engines(rows: Sequence[CellRow]) -> tuple[str, str]:
    """The two the one with most results: what a reader sees before choosing."""
    counts = Counter(row.engine for row in rows if len(row.samples))
    found = [engine for engine, _count in counts.most_common(2)]
    return (found[0], found[1]) if len(found) == 2 else ("", "")


def _side(letter: str, query: QueryDict, scope: Scope, rows: Sequence[CellRow], engine: str) -> Side:
    offered = {name: {of(row) for row in rows} for name, of in DIMENSIONS.items()}
    wished = {name: query.get(f"{letter}_{name}", "") for name in DIMENSIONS}
    if not any(f"{side}_engine" in query for side in "ab"):
        wished["engine"] = engine
    fixed = {name: value for name, value in wished.items() if value in offered[name]}
    return Side(letter, scope, fixed, rows)


def _select(side: Side, name: Aspect) -> Select:
    titles: Mapping[Aspect, str] = {
        "engine": _("Engine"),
        "track": _("Track"),
        "device": _("Device"),
        "threads": _("CPU threads"),
        "environment": _("Environment"),
    }
    offered: dict[str, CellRow] = {}
    for row in side.in_order:
        offered.setdefault(DIMENSIONS[name](row), row)
    choices = [(value, _LABELS[name](row)) for value, row in offered.items()]
    return Select(f"{side.letter}_{name}", titles[name], choices, side.fixed.get(name, ""))


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


def _order(row: CellRow) -> tuple[object, ...]:
    return (
        network_place(row.network_type),
        row.device,
        row.threads,
        row.hidden_layers,
        row.width,
        engine_place(row.engine),
    )
