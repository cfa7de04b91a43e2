"""How an answer is shown: the chips and marks of its engines, its forest plot, its evidence and its file."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import QueryDict
from django.utils.translation import gettext as _

from runs.charts.forest import Forest, Mark, forest
from runs.charts.style import Chip, SeriesStyle, chip, style_for
from runs.findings.alike import HELD_NAMES, held_values
from runs.findings.cells import CellRow
from runs.findings.recommendation import Recommendation, Row
from runs.findings.situations import CHOICES, Answer, answers
from runs.pages.parts.cells import runs_cell, time_cell
from runs.pages.parts.comparison import runs_url
from runs.selectors.study import published_recommendations
from runs.stats import stalled_runs
from runs.tables.table import Column, Table, TableCell, ratio_values
from runs.words import numbers
from runs.words.cells import missing_words
from runs.words.engines import engine_title
from runs.words.reasons import reason_in_words


def row_chip(row: Row) -> Chip:
    if row.verdict:
        return chip(row.verdict)
    return Chip(missing_words(row.missing.status if row.missing else "not_run"))


def row_style_in(found: Recommendation, row: Row) -> SeriesStyle:
    layers = found.workload.network.hidden_layers if found.workload else 16
    return style_for(row.engine, network_type=found.situation.network_type, hidden_layers=layers)


def forest_of(answer: Answer) -> Forest:
    return forest([_mark(answer.found, row) for row in answer.found.rows], rope=answer.rope)


def _mark(found: Recommendation, row: Row) -> Mark:
    ratio = row.ratio
    return Mark(
        title=engine_title(row.engine),
        style=row_style_in(found, row),
        chip=row_chip(row),
        value=ratio.value if ratio else None,
        low=ratio.low if ratio else None,
        high=ratio.high if ratio else None,
        reason=reason_in_words(row.missing.reason) if row.missing else "",
    )


def asked_answers(cells: Sequence[CellRow], query: QueryDict, rope: float) -> list[Answer]:
    wished = {facet.name: query.getlist(facet.name) for facet in CHOICES}
    return answers(cells, published_recommendations(), rope=rope, wished=wished)


# ---------------------------------------------------------------- the evidence


def evidence_table(answer: Answer, experiment: str) -> Table:
    """`experiment` is its slug, by which each engine's runs are found."""
    columns = [
        Column(_("Engine")),
        Column(_("Time per epoch"), is_number=True),
        Column(_("To the fastest"), is_number=True),
        # xgettext:no-python-format
        Column(_("95 % interval"), is_number=True),
        Column(_("Runs"), is_number=True),
        Column(_("Verdict")),
    ]
    rows = [_evidence_row(answer, row, experiment) for row in answer.found.rows]
    return Table(
        _("{situation}: each engine's time over the fastest's").format(situation=answer.situation), columns, rows
    )


def _evidence_row(answer: Answer, row: Row, experiment: str) -> list[TableCell]:
    ratio, cell = row.ratio, answer.cells.get(row.engine)
    return [
        TableCell(engine_title(row.engine), style=row_style_in(answer.found, row)),
        time_cell(cell) if cell else TableCell(numbers.NONE),
        TableCell(numbers.times(ratio.value if ratio else None)),
        TableCell(numbers.interval(ratio.low, ratio.high, "×") if ratio else numbers.NONE),
        _runs_of(cell, row, runs_url(cell, experiment)) if cell else TableCell(numbers.NONE),
        TableCell(chip=row_chip(row), title=reason_in_words(row.missing.reason) if row.missing else ""),
    ]


def _runs_of(cell: CellRow, row: Row, url: str) -> TableCell:
    """Those that are compared; of an engine without a time, those that came to nothing."""
    if row.ratio:
        return runs_cell(cell, row.ratio.runs, url)
    return TableCell(numbers.count(sum(cell.status_counts.values())), url=url)


# ---------------------------------------------------------------- as a file

_NAMES = ("situation", "device", "threads", "track", "network", "engine", "recommended", "seconds")
_VERDICT_NAMES = ("ratio", "ratio_low", "ratio_high", "runs", "stalled", "verdict", "reason")


def answers_table(found: Sequence[Answer]) -> Table:
    """Every engine of every answer, with all that was held equal."""
    columns = [Column(name, is_number=name in {"seconds", "runs"}) for name in _NAMES]
    columns += [Column(name) for name in (*_VERDICT_NAMES, *HELD_NAMES)]
    rows = [_file_row(answer, row) for answer in found for row in answer.found.rows]
    return Table(_("The recommendation and its evidence"), columns, rows)


def _file_row(answer: Answer, row: Row) -> list[TableCell]:
    cell, found, ratio = answer.cells.get(row.engine), answer.found, row.ratio
    values = [
        *(answer.slug, found.situation.device, cell.threads if cell else None, cell.track if cell else None),
        *(str(found.workload.network) if found.workload else None, row.engine, row.engine == found.preferred),
        cell.estimate.seconds if cell and cell.estimate else None,
        *ratio_values(ratio),
        ratio.runs if ratio else None,
        len(stalled_runs(cell.samples)) if cell else None,
        row.verdict or (row.missing.status if row.missing else "not_run"),
        row.missing.reason if row.missing else "",
        *(held_values(cell) if cell else (None,) * len(HELD_NAMES)),
    ]
    return [TableCell(values=(value,)) for value in values]
