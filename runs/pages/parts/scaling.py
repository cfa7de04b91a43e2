"""What the pages of scaling share: over threads, and over replicas."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from django.utils.translation import gettext as _

from runs.charts.build import Point
from runs.findings.cells import CellRow
from runs.stats import ScalingPoint
from runs.tables.table import Column, Table, TableCell, ratio_values
from runs.words import numbers


def time_columns() -> list[Column]:
    """Of a cell's time and of how it scales; `time_cells` fills them."""
    return [
        Column(_("Time per epoch"), is_number=True, sort="seconds", exports=("seconds",)),
        # xgettext:no-python-format
        Column(_("95 % interval"), is_number=True, exports=("low_seconds", "high_seconds")),
        Column(_("Speed-up"), is_number=True, sort="speed-up", exports=("speed_up", "low", "high")),
        # xgettext:no-python-format
        Column(_("95 % interval"), is_number=True, exports=("speed_up_interval",)),
        Column(_("Efficiency"), is_number=True, sort="efficiency", exports=("efficiency",)),
    ]


def time_cells(row: CellRow, scaled: ScalingPoint | None) -> list[TableCell]:
    found = row.estimate
    gain = scaled.speed_up if scaled else None
    efficiency = scaled.efficiency.value if scaled else None
    return [
        TableCell(numbers.seconds(found.seconds if found else None), values=(found.seconds if found else None,)),
        TableCell(
            numbers.interval(found.low, found.high) if found else numbers.NONE,
            values=(found.low, found.high) if found else (None, None),
        ),
        TableCell(numbers.times(gain.value if gain else None), values=ratio_values(gain)),
        TableCell(numbers.interval(gain.low, gain.high, "×") if gain else numbers.NONE),
        TableCell(numbers.percent(efficiency), values=(efficiency,)),
    ]


def grouped(caption: str, columns: list[Column], lines: Sequence[Sequence[list[TableCell]]]) -> Table:
    """Line by line, each set off from the one above."""
    starts = frozenset(accumulate(len(line) for line in lines[:-1]))
    return Table(caption, columns, [row for line in lines for row in line], group_starts=starts)


def point(x: int, found: Any, factor: float, url: str) -> Point:
    """`found` is an Estimate or a Ratio."""
    value = found.seconds if hasattr(found, "seconds") else found.value
    low, high = (None if bound is None else bound * factor for bound in (found.low, found.high))
    return Point(x, value * factor, low, high, found.runs, url)
