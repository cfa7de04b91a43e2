"""Any two selections of cells side by side: the ratio of each workload, their geometric mean, and what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.http import QueryDict
from django.utils.translation import gettext as _

from runs import formats, selectors
from runs.cell_words import engine_title, missing_words
from runs.cells import CellRow, engine_place
from runs.charts.forest import Forest, Mark, forest
from runs.charts.style import Chip
from runs.comparison import throughput
from runs.reason_words import reason_in_words
from runs.stats import LogSamples, Ratio, aggregate_ratio, judge, ratio
from runs.tables import Column, Table, TableCell, on_words, ratio_values, row_style, verdict_chip

DIMENSIONS: Mapping[str, Callable[[CellRow], str]] = {
    "engine": lambda row: row.engine,
    "track": lambda row: row.track,
    "device": lambda row: row.device,
    "threads": lambda row: str(row.threads),
    "environment": lambda row: str(row.environment_id),
}
_LABELS: Mapping[str, Callable[[CellRow], str]] = {
    "engine": lambda row: engine_title(row.engine),
    "track": lambda row: _(row.track),
    "device": lambda row: row.device.upper(),
    "threads": lambda row: formats.count(row.threads),
    "environment": lambda row: row.environment,
}
Key = tuple[str, ...]


@dataclass(frozen=True)
class Side:
    """One selection: a scope, what is fixed of it, and its cells. `letter` is what the address calls it."""

    letter: str
    scope: selectors.Scope
    fixed: Mapping[str, str]
    rows: Sequence[CellRow]

    @property
    def title(self) -> str:
        words = [_LABELS[name](self._any(name)) for name in self.fixed if self._any(name)]
        machine = self.scope.machine.name if self.scope.machine else ""
        return " · ".join([*(words or [_("All engines")]), machine])

    def _any(self, name: str) -> CellRow:
        return next(row for row in self.rows if DIMENSIONS[name](row) == self.fixed[name])

    @cached_property
    def in_order(self) -> list[CellRow]:
        return sorted(self.rows, key=lambda row: (engine_place(row.engine), row.threads))

    @property
    def selects(self) -> list[Select]:
        return [Select.of(self, name) for name in DIMENSIONS]


@dataclass(frozen=True)
class Select:
    name: str
    title: str
    choices: Sequence[tuple[str, str]]
    value: str

    @classmethod
    def of(cls, side: Side, name: str) -> Select:
        titles = {
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
        return cls(f"{side.letter}_{name}", titles[name], choices, side.fixed.get(name, ""))


@dataclass(frozen=True)
class Pairing:
    """A workload that one side has at least, with the cell of each side."""

    a: CellRow | None
    b: CellRow | None
    ratio: Ratio | None = None
    verdict: str = ""

    @property
    def row(self) -> CellRow:
        found = self.b or self.a
        assert found is not None, "a pairing has a side at least"
        return found


@dataclass(frozen=True)
class Compared:
    a: Side
    b: Side

    @cached_property
    def pairings(self) -> list[Pairing]:
        own, other = _by_key(self.a, self.b), _by_key(self.b, self.a)
        keys = sorted({**own, **other}, key=lambda key: _order(own.get(key) or other[key]))
        return [self._pairing(own.get(key), other.get(key)) for key in keys]

    def _pairing(self, a: CellRow | None, b: CellRow | None) -> Pairing:
        if not a or not b or not len(a.samples) or not len(b.samples):
            return Pairing(a, b)
        sides = self._samples(a, b)
        return Pairing(a, b, ratio(*sides), judge(*sides))

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
        found = [self._samples(pairing.a, pairing.b) for pairing in self.common if pairing.a and pairing.b]
        return aggregate_ratio(found) if found else None

    @property
    def mean_words(self) -> str:
        return formats.times(self.mean.value) if self.mean else formats.NONE

    @property
    def mean_interval(self) -> str:
        return formats.interval(self.mean.low, self.mean.high, "×") if self.mean else formats.NONE

    @property
    def verdict_counts(self) -> list[tuple[Chip, int]]:
        counts = Counter(pairing.verdict for pairing in self.common)
        return [(verdict_chip(verdict), count) for verdict, count in counts.most_common()]

    @property
    def forest(self) -> Forest:
        return forest([_mark(pairing) for pairing in self.common])

    @property
    def is_synthetic(self) -> bool:
        return any(pairing.row.is_synthetic for pairing in self.pairings)

    # ------------------------------------------------------------ tables

    @property
    def table(self) -> Table:
        columns = [
            Column(_("Workload"), sort="workload", exports=("network", "data", "engine", "device", "threads")),
            Column(_("A"), is_number=True, sort="a", exports=("a_seconds",)),
            Column(_("B"), is_number=True, sort="b", exports=("b_seconds",)),
            Column(_("B over A"), is_number=True, sort="ratio", exports=("ratio", "low", "high")),
            # xgettext:no-python-format
            Column(_("95 % interval"), is_number=True, exports=("interval",)),
            Column(_("Verdict"), sort="verdict", exports=("verdict",)),
        ]
        return Table(_("Time per epoch, workload by workload"), columns, [_row(pairing) for pairing in self.common])

    @property
    def missing_table(self) -> Table:
        columns = [Column(_("Workload")), Column(_("A")), Column(_("B")), Column(_("Why"), wraps=True)]
        return Table(_("What one side lacks"), columns, [_missing_row(pairing) for pairing in self.missing])


def _words(row: CellRow) -> str:
    where = on_words(row)
    size = f"{row.network_type.upper()} {formats.size(row.hidden_layers, row.width)}"
    return size if where == "CPU" else f"{size}, {where}"


def _row(pairing: Pairing) -> list[TableCell]:
    row, found = pairing.row, pairing.ratio
    if not found or not pairing.a or not pairing.b:
        raise ValueError("Only what both sides have is compared.")
    times = [side.estimate.seconds if side.estimate else None for side in (pairing.a, pairing.b)]
    words = formats.interval(found.low, found.high, "×")
    return [
        TableCell(
            _words(row),
            style=row_style(row),
            title=f"{row.data_label}, {row.device.upper()}",
            values=(str(row.network), row.data_label, row.engine, row.device, row.threads),
        ),
        TableCell(formats.seconds(times[0]), title=throughput(pairing.a), values=(times[0],)),
        TableCell(formats.seconds(times[1]), title=throughput(pairing.b), values=(times[1],)),
        TableCell(formats.times(found.value), values=ratio_values(found)),
        TableCell(words),
        TableCell(chip=verdict_chip(pairing.verdict), values=(pairing.verdict,)),
    ]


def _missing_row(pairing: Pairing) -> list[TableCell]:
    row = pairing.row
    reasons = [reason_in_words(side.reason) for side in (pairing.a, pairing.b) if side and side.reason]
    return [
        TableCell(_words(row), style=row_style(row), title=row.data_label),
        *(_side_cell(side) for side in (pairing.a, pairing.b)),
        TableCell(" ".join(dict.fromkeys(reasons)) or formats.NONE),
    ]


def _side_cell(side: CellRow | None) -> TableCell:
    if side is None:
        return TableCell(chip=Chip(missing_words("not_run")))
    if side.estimate:
        return TableCell(formats.seconds(side.estimate.seconds))
    return TableCell(chip=Chip(side.missing))


def _mark(pairing: Pairing) -> Mark:
    found = pairing.ratio
    assert found, "only what both sides have is drawn"
    return Mark(
        _words(pairing.row),
        row_style(pairing.row),
        verdict_chip(pairing.verdict),
        found.value,
        found.low,
        found.high,
    )


# ---------------------------------------------------------------- what is asked for


def compared(query: QueryDict) -> Compared:
    scope = selectors.scope(query.get("a_experiment", ""), query.get("a_machine", ""))
    rows = selectors.cells_of(scope)
    other, other_rows = scope, rows
    asked = (query.get("b_experiment", ""), query.get("b_machine", ""))
    if any(asked) and asked != (query.get("a_experiment", ""), query.get("a_machine", "")):
        other = selectors.scope(*asked)
        other_rows = selectors.cells_of(other)
    first, second = _first_engines(rows)
    return Compared(_side("a", query, scope, rows, first), _side("b", query, other, other_rows, second))


def _first_engines(rows: Sequence[CellRow]) -> tuple[str, str]:
    """The two with most times: what a reader sees before choosing."""
    counts = Counter(row.engine for row in rows if len(row.samples))
    found = [engine for engine, _count in counts.most_common(2)]
    return (found[0], found[1]) if len(found) == 2 else ("", "")


def _side(letter: str, query: QueryDict, scope: selectors.Scope, rows: Sequence[CellRow], engine: str) -> Side:
    offered = {name: {of(row) for row in rows} for name, of in DIMENSIONS.items()}
    wished = {name: query.get(f"{letter}_{name}", "") for name in DIMENSIONS}
    if not any(f"{side}_engine" in query for side in "ab"):
        wished["engine"] = engine
    fixed = {name: value for name, value in wished.items() if value in offered[name]}
    return Side(letter, scope, fixed, rows)


def _by_key(side: Side, other: Side) -> dict[Key, CellRow]:
    """What a side leaves open takes the other's value; what both leave open must be equal on both."""
    fixed = {**other.fixed, **side.fixed}
    if side.fixed.get("environment") is None:
        fixed.pop("environment", None)
    matched = [name for name in DIMENSIONS if name not in {**side.fixed, **other.fixed, "environment": ""}]
    found: dict[Key, CellRow] = {}
    for row in sorted(side.rows, key=lambda row: row.newest_run_at):
        if all(DIMENSIONS[name](row) == value for name, value in fixed.items()):
            key = (str(row.network), row.data_key, *(DIMENSIONS[name](row) for name in matched))
            found[key] = row
    return found


def _order(row: CellRow) -> tuple[object, ...]:
    return (row.network_type, row.device, row.threads, row.hidden_layers, row.width, engine_place(row.engine))
