"""A table that is ready to be shown: columns, cells with their words, links and marks, and its order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from runs.charts.style import Chip, SeriesStyle
from runs.stats import Ratio

HEAT_BOUNDS = (3, 8, 20, 100)
Value = str | float | int | None


@dataclass(frozen=True)
class TableCell:
    text: str = ""
    url: str = ""
    small: str = ""
    small_title: str = ""
    """What the small print is, for who points at it."""
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


def ratio_values(ratio: Ratio | None) -> tuple[Value, ...]:
    return (ratio.value, ratio.low, ratio.high) if ratio else (None, None, None)


# ---------------------------------------------------------------- heat


def heat(value: float) -> int:
    return 1 + sum(1 for bound in HEAT_BOUNDS if value >= bound)
