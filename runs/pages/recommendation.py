"""The recommendation and its evidence, as a page and as a file."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import path
from django.utils.translation import gettext as _

from runs.charts.style import Chip
from runs.findings.alike import HELD_NAMES, held_values
from runs.findings.choices import selects
from runs.findings.recommendation import Row
from runs.findings.situations import Answer
from runs.pages.parts.answers import asked_answers, forest_of, row_chip, row_style_in
from runs.pages.parts.asked import asked_cells
from runs.pages.parts.cells import runs_cell, time_cell
from runs.pages.parts.rendering import Section, render_page, table_url
from runs.selectors.machines import region_of
from runs.stats import stalled_runs
from runs.tables.table import Column, Table, TableCell, ratio_values
from runs.words import numbers
from runs.words.cells import missing_words
from runs.words.engines import engine_title
from runs.words.reasons import reason_in_words

SECTION = Section("answers")


def recommendation(request: HttpRequest) -> HttpResponse:
    scope, cells = asked_cells(request.GET)
    rope = region_of(*scope.measured_on)
    found = asked_answers(cells, request.GET, rope)
    asked = {name: request.GET.getlist(name) for name in request.GET}
    query = request.GET.urlencode()
    return render_page(
        request,
        "recommendation",
        SECTION,
        scope=scope,
        selects=selects([(answer.found.situation.network_type, answer.facets) for answer in found], asked),
        answers=[(answer, forest_of(answer), evidence_table(answer)) for answer in found],
        tie_band=numbers.tie_band(rope),
        overview=overview_table(found),
        csv_url=table_url("recommendation", "csv", query),
        table_json_url=table_url("recommendation", "json", query),
        is_synthetic=any(cell.is_synthetic for cell in cells),
    )


def recommendation_table(query: QueryDict) -> Table:
    scope, cells = asked_cells(query)
    return answers_table(asked_answers(cells, query, region_of(*scope.measured_on)))


def overview_table(found: Sequence[Answer]) -> Table:
    """The form of the study's Table 5.1, with what was measured beside it."""
    columns = [
        Column(_("Situation")),
        Column(_("Published, 2017")),
        Column(_("Measured here")),
        Column(_("On"), wraps=True),
    ]
    rows = [
        [
            TableCell(answer.situation, url=f"#{answer.slug}" if answer.was_tried else ""),
            TableCell(_(" or ").join(answer.published_titles) or numbers.NONE),
            TableCell(_(" or ").join(answer.headline), chip=None if answer.headline else Chip(_no_answer(answer))),
            TableCell(answer.basis or numbers.NONE),
        ]
        for answer in found
    ]
    return Table(_("Recommended engines, published and measured"), columns, rows)


def _no_answer(answer: Answer) -> str:
    if answer.has_times:
        return _("unresolved")
    missing = [row.missing for row in answer.found.rows if row.missing]
    return missing_words(missing[0].status) if missing else missing_words("not_run")


def evidence_table(answer: Answer) -> Table:
    columns = [
        Column(_("Engine")),
        Column(_("Time per epoch"), is_number=True),
        Column(_("To the fastest"), is_number=True),
        # xgettext:no-python-format
        Column(_("95 % interval"), is_number=True),
        Column(_("Runs"), is_number=True),
        Column(_("Verdict")),
    ]
    rows = [_evidence_row(answer, row) for row in answer.found.rows]
    return Table(
        _("{situation}: each engine's time over the fastest's").format(situation=answer.situation), columns, rows
    )


def _evidence_row(answer: Answer, row: Row) -> list[TableCell]:
    ratio, cell = row.ratio, answer.cells.get(row.engine)
    return [
        TableCell(engine_title(row.engine), style=row_style_in(answer.found, row)),
        time_cell(cell) if cell else TableCell(numbers.NONE),
        TableCell(numbers.times(ratio.value if ratio else None)),
        TableCell(numbers.interval(ratio.low, ratio.high, "×") if ratio else numbers.NONE),
        runs_cell(cell, ratio.runs) if ratio and cell else TableCell(numbers.NONE),
        TableCell(chip=row_chip(row), title=reason_in_words(row.missing.reason) if row.missing else ""),
    ]


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


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("recommendation/", recommendation, name="recommendation"),)
TABLES = {"recommendation": recommendation_table}
