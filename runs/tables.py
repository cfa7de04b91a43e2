"""Tables that are ready to be shown: the words, numbers, links and marks of each cell. No ORM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from runs import formats
from runs.cells import CellRow, engine_title
from runs.charts.style import Chip, SeriesStyle, style_for
from runs.comparison import Standing, runs_query, throughput

VERDICT_TONES = {
    "best": "good",
    "tie": "good",
    "faster": "good",
    "slower": "bad",
    "unresolved": "warn",
    "not enough runs": "warn",
}
STATUS_TONES = {"finished": "good", "unsupported": "none"}
HEAT_BOUNDS = (3, 8, 20, 100)


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


@dataclass(frozen=True)
class Column:
    title: str
    is_number: bool = False
    wraps: bool = False
    """Holds sentences; all others keep to one line."""


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

    @property
    def lines(self) -> list[Line]:
        return [
            Line(index in self.group_starts, row[0], list(zip(self.columns[1:], row[1:], strict=True)))
            for index, row in enumerate(self.rows)
        ]


def verdict_chip(verdict: str) -> Chip:
    return Chip(verdict, VERDICT_TONES.get(verdict, "none"))


def status_chip(status: str) -> Chip:
    return Chip(status.replace("_", " "), STATUS_TONES.get(status, "bad"))


def row_style(row: CellRow) -> SeriesStyle:
    return style_for(row.engine, network_type=row.network_type, hidden_layers=row.hidden_layers, track=row.track)


# ---------------------------------------------------------------- comparison

_COMPARISON = (
    Column("Engine"),
    Column("Network"),
    Column("Time per epoch", is_number=True),
    Column("95 % interval", is_number=True),
    Column("Runs", is_number=True),
    Column("Throughput", is_number=True),
    Column("To the fastest", is_number=True),
    Column("Verdict"),
)


def comparison_table(standings: Sequence[Standing], *, scope_query: str) -> Table:
    rows = [_comparison_row(standing, scope_query) for standing in standings]
    networks = [standing.row.network for standing in standings]
    starts = frozenset(index for index in range(1, len(rows)) if networks[index] != networks[index - 1])
    return Table("Time per epoch, the fastest first at each network", _COMPARISON, rows, group_starts=starts)


def _comparison_row(standing: Standing, scope_query: str) -> list[TableCell]:
    row, found, to_best = standing.row, standing.row.estimate, standing.ratio
    runs_url = f"{reverse('runs')}?{scope_query}&{runs_query(row)}"
    return [
        TableCell(engine_title(row.engine), style=row_style(row)),
        TableCell(formats.size(row.hidden_layers, row.width)),
        TableCell(formats.seconds(found.seconds if found else None)),
        TableCell(formats.interval(found.low, found.high) if found else formats.NONE, title=_why_no_interval(row)),
        TableCell(formats.count(len(row.samples)), url=runs_url),
        TableCell(throughput(row)),
        TableCell(formats.times(to_best.value if to_best else None)),
        TableCell(chip=verdict_chip(standing.verdict) if to_best else Chip(row.missing), title=row.reason),
    ]


def _why_no_interval(row: CellRow) -> str:
    return "" if row.estimate and row.estimate.low is not None else "An interval needs three runs."


# ---------------------------------------------------------------- heat


def heat(value: float) -> int:
    return 1 + sum(1 for bound in HEAT_BOUNDS if value >= bound)
