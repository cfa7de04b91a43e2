"""Cells of a table: chips, styles, times and counts, in words."""

from __future__ import annotations

from django.utils.translation import gettext

from runs.charts.style import Chip, SeriesStyle, style_for
from runs.findings.cells import CellRow, stalled_words
from runs.stats import estimate, stalled_runs
from runs.tables.table import TableCell
from runs.words import numbers
from runs.words.reasons import reason_in_words


def row_style(row: CellRow) -> SeriesStyle:
    return style_for(row.engine, network_type=row.network_type, hidden_layers=row.hidden_layers, track=row.track)


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
