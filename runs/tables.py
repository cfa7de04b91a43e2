"""Tables that are ready to be shown: the words, numbers, links and marks of each cell. No ORM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from runs.charts.style import Chip, SeriesStyle, style_for
from runs.comparison import runs_query
from runs.findings.alike import HELD_NAMES, held_values
from runs.findings.cells import CellRow, stalled_words
from runs.findings.standings import Standing
from runs.stats import Ratio, estimate, stalled_runs
from runs.words import numbers
from runs.words.engines import engine_title
from runs.words.reasons import reason_in_words

VERDICT_TONES = {
    _("best"): "good",
    _("tie"): "good",
    _("faster"): "good",
    _("slower"): "bad",
    _("unresolved"): "warn",
    _("not enough runs"): "warn",
}
STATUS_TONES = {_("finished"): "good", "unsupported": "none", _("excluded"): "warn"}
HEAT_BOUNDS = (3, 8, 20, 100)
Value = str | float | int | None


@dataclass(frozen=True)
class TableCell:
    text: str = ""
    url: str = ""
    small: str = ""
    chip: Chip | None = None
    style: SeriesStyle | None = None
    heat: int = 0
    """1 to 5 on the heat scale; 0 is no ground."""
    title: str = ""
    is_struck: bool = False
    """Struck through: it counts nowhere."""
    values: tuple[Value, ...] | None = None
    """What an export writes and sorting compares; the words where None."""

    @property
    def exported(self) -> tuple[Value, ...]:
        if self.values is not None:
            return self.values
        return (self.text or (self.chip.text if self.chip else ""),)


@dataclass(frozen=True)
class Column:
    title: str
    is_number: bool = False
    wraps: bool = False
    """Holds sentences; all others keep to one line."""
    sort: str = ""
    """What the address calls it, if the table can be sorted by it."""
    exports: tuple[str, ...] = ()
    """Names of the columns that an export makes of this one; its title where empty."""


@dataclass(frozen=True)
class Line:
    starts_group: bool
    header: TableCell
    cells: Sequence[tuple[Column, TableCell]]


@dataclass(frozen=True)
class Table:
    """The first cell of a row is its header. `group_starts` are the rows that a rule sets off from those above."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[TableCell]]
    note: str = ""
    group_starts: frozenset[int] = frozenset()
    hides_head: bool = False
    """The columns' titles say nothing that the rows do not; they stay for screen readers."""
    sorted_by: str = ""
    """A column's `sort`, with a minus for the largest first."""

    @property
    def is_dense(self) -> bool:
        """So many columns that smaller letters are better than scrolling sideways."""
        return len(self.columns) > 7

    @property
    def stacks(self) -> bool:
        """On a phone each row becomes a list: sentences beside other columns would leave each a few letters."""
        return len(self.columns) > 3 and any(column.wraps for column in self.columns)

    @property
    def lines(self) -> list[Line]:
        return [
            Line(index in self.group_starts, row[0], list(zip(self.columns[1:], row[1:], strict=True)))
            for index, row in enumerate(self.rows)
        ]

    @property
    def heads(self) -> list[Head]:
        return [Head(column, self.sorted_by) for column in self.columns]

    @property
    def export_names(self) -> list[str]:
        return [name for column in self.columns for name in (column.exports or (column.title,))]

    @property
    def export_rows(self) -> list[list[Value]]:
        return [[value for cell in row for value in cell.exported] for row in self.rows]


@dataclass(frozen=True)
class Head:
    """A column's head: where it can be sorted by, how a press changes the order."""

    column: Column
    sorted_by: str

    @property
    def order(self) -> str:
        """In ARIA's words; empty where it is not sorted by this column."""
        if not self.column.sort or self.sorted_by.lstrip("-") != self.column.sort:
            return ""
        return "descending" if self.sorted_by.startswith("-") else "ascending"

    @property
    def next(self) -> str:
        return f"-{self.column.sort}" if self.order == "ascending" else self.column.sort


def in_order(table: Table, wished: str) -> Table:
    """Sorted by a column that can be; as it was for any other wish. What has no value comes last either way."""
    place = next(
        (at for at, column in enumerate(table.columns) if column.sort and column.sort == wished.lstrip("-")), None
    )
    if place is None:
        return table
    known = [row for row in table.rows if row[place].exported[0] not in (None, "")]
    rest = [row for row in table.rows if row[place].exported[0] in (None, "")]
    known.sort(key=lambda row: _sort_key(row[place].exported[0]), reverse=wished.startswith("-"))
    return replace(table, rows=[*known, *rest], group_starts=frozenset(), sorted_by=wished)


def _sort_key(value: Value) -> tuple[int, float, str]:
    return (0, float(value), "") if isinstance(value, (int, float)) else (1, 0.0, str(value).casefold())


def verdict_chip(verdict: str) -> Chip:
    return Chip(gettext(verdict), VERDICT_TONES.get(verdict, "none"))


def status_chip(status: str) -> Chip:
    return Chip(gettext(status.replace("_", " ")), STATUS_TONES.get(status, "bad"))


def row_style(row: CellRow) -> SeriesStyle:
    return style_for(row.engine, network_type=row.network_type, hidden_layers=row.hidden_layers, track=row.track)


# ---------------------------------------------------------------- comparison


def _comparison_columns(measured: str) -> list[Column]:
    columns = [
        Column(gettext("Engine"), sort="engine", exports=("engine", *HELD_NAMES)),
        Column(gettext("Network"), sort="size", exports=("network", "hidden_layers", "width")),
        Column(gettext("On"), sort="on", exports=("device", "threads", "track")),
        Column(gettext("Time per epoch"), is_number=True, sort="seconds", exports=("seconds",)),
        Column(gettext("95 % interval"), is_number=True, exports=("low_seconds", "high_seconds")),
    ]
    if measured:
        columns += [Column(measured, is_number=True, sort="y", exports=("y", "y_low", "y_high"))]
    return [
        *columns,
        Column(gettext("To the fastest"), is_number=True, sort="ratio", exports=("ratio", "ratio_low", "ratio_high")),
        Column(gettext("Verdict"), sort="verdict", exports=("verdict", "reason")),
        Column(gettext("Runs"), is_number=True, sort="runs", exports=("runs", "stalled")),
        Column("GFLOP/s", is_number=True, sort="gflops", exports=("gflops_per_second",)),
        Column(gettext("Of peak"), is_number=True, sort="peak", exports=("share_of_peak",)),
    ]


@dataclass(frozen=True)
class Extra:
    """What the chart shows of a row beside its time, and the share of the machine's peak."""

    y: tuple[float, float | None, float | None] | None = None
    unit: str = ""
    share_of_peak: float | None = None


def comparison_table(
    standings: Sequence[Standing], *, scope_query: str, extras: Sequence[Extra] = (), measured: str = ""
) -> Table:
    """`measured` names the chart's quantity where it is another than the time."""
    extras = extras or [Extra()] * len(standings)
    rows = [_comparison_row(*pair, scope_query, measured) for pair in zip(standings, extras, strict=True)]
    networks = [(standing.row.network, standing.row.device, standing.row.threads) for standing in standings]
    starts = frozenset(index for index in range(1, len(rows)) if networks[index] != networks[index - 1])
    caption = gettext("Time per epoch, the fastest first at each network")
    return without_idle(Table(caption, _comparison_columns(measured), rows, group_starts=starts), "on", "peak")


def without_idle(table: Table, *sorts: str) -> Table:
    """Without those of the named columns that say the same in every row."""
    idle = [
        at
        for at, column in enumerate(table.columns)
        if column.sort in sorts and len({row[at].text for row in table.rows}) < 2
    ]
    kept = [at for at in range(len(table.columns)) if at not in idle]
    return replace(
        table, columns=[table.columns[at] for at in kept], rows=[[row[at] for at in kept] for row in table.rows]
    )


def _comparison_row(standing: Standing, extra: Extra, scope_query: str, measured: str) -> list[TableCell]:
    row, found, to_best = standing.row, standing.row.estimate, standing.ratio
    runs_url = f"{reverse('runs')}?{scope_query}&{runs_query(row)}"
    cells = [
        TableCell(engine_title(row.engine), style=row_style(row), values=(engine_title(row.engine), *held_values(row))),
        TableCell(numbers.size(row.hidden_layers, row.width), values=(row.network_type, row.hidden_layers, row.width)),
        TableCell(on_words(row), values=(row.device, row.threads, row.track)),
        time_cell(row),
        TableCell(
            numbers.interval(found.low, found.high) if found else numbers.NONE,
            title=_why_no_interval(row),
            values=(found.low, found.high) if found else (None, None),
        ),
    ]
    if measured:
        y = extra.y or (None, None, None)
        cells += [TableCell(numbers.with_unit(y[0], extra.unit), values=y)]
    rate = row.flops_per_epoch / found.seconds / 1e9 if found else None
    return [
        *cells,
        TableCell(numbers.times(to_best.value if to_best else None), values=ratio_values(to_best)),
        TableCell(
            chip=verdict_chip(standing.verdict) if to_best else Chip(row.missing),
            title=standing.note or reason_in_words(row.reason),
            values=(standing.verdict if to_best else row.missing_status, row.reason),
        ),
        runs_cell(row, len(row.samples), runs_url),
        TableCell(numbers.with_unit(rate, ""), values=(rate,)),
        TableCell(numbers.percent(extra.share_of_peak), values=(extra.share_of_peak,)),
    ]


def ratio_values(ratio: Ratio | None) -> tuple[Value, ...]:
    return (ratio.value, ratio.low, ratio.high) if ratio else (None, None, None)


def on_words(row: CellRow) -> str:
    parts = [row.device.upper()] + ([] if row.threads == 1 else [gettext("{n} threads").format(n=row.threads)])
    return ", ".join([*parts, *([] if row.track == "idiomatic" else [gettext(row.track)])])


def runs_cell(row: CellRow, runs: int, url: str = "") -> TableCell:
    """How many runs there are, and how many of them stalled: set aside, or marked where three cannot do without."""
    stalled = len(stalled_runs(row.samples))
    chip = Chip(gettext("{n} stalled").format(n=numbers.count(stalled)), "warn") if stalled else None
    title = stalled_words(row) if stalled else _newest_words(row)
    return TableCell(numbers.count(runs), url=url, chip=chip, title=title, values=(runs, stalled))


def _newest_words(row: CellRow) -> str:
    if row.finished_runs <= len(row.samples) or not len(row.samples):
        return ""
    words = gettext("The newest {n} of {runs} runs are compared.")
    return words.format(n=numbers.count(len(row.samples)), runs=numbers.count(row.finished_runs))


def time_cell(row: CellRow) -> TableCell:
    """The time per epoch; struck through where the gate failed, so that it counts nowhere."""
    if len(row.withheld):
        seconds = estimate(row.withheld).seconds
        return TableCell(numbers.seconds(seconds), is_struck=True, title=reason_in_words(row.reason), values=(None,))
    found = row.estimate.seconds if row.estimate else None
    return TableCell(numbers.seconds(found), values=(found,))


def _why_no_interval(row: CellRow) -> str:
    return "" if row.estimate and row.estimate.low is not None else gettext("An interval needs three runs.")


# ---------------------------------------------------------------- heat


def heat(value: float) -> int:
    return 1 + sum(1 for bound in HEAT_BOUNDS if value >= bound)
