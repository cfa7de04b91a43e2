"""The recommendation and its evidence, as a page and as a file."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import path
from django.utils.translation import gettext as _

from runs.charts.style import Chip
from runs.findings.choices import selects
from runs.findings.situations import Answer
from runs.pages.parts.answers import answers_table, asked_answers, evidence_table, forest_of
from runs.pages.parts.asked import asked_cells
from runs.pages.parts.rendering import Section, render_page, table_url
from runs.selectors.machines import region_of
from runs.selectors.scopes import Scope
from runs.tables.table import Column, Table, TableCell
from runs.words import numbers
from runs.words.cells import missing_words

SECTION = Section("answers")


def recommendation(request: HttpRequest) -> HttpResponse:
    scope, cells = asked_cells(request.GET)
    rope = region_of(*scope.measured_on)
    found = asked_answers(cells, request.GET, rope)
    experiment = scope.experiment.slug if scope.experiment else ""
    asked = {name: request.GET.getlist(name) for name in request.GET}
    query = request.GET.urlencode()
    return render_page(
        request,
        "recommendation",
        SECTION,
        scope=scope,
        selects=selects([(answer.found.situation.network_type, answer.facets) for answer in found], asked),
        answers=[(answer, forest_of(answer), evidence_table(answer, experiment)) for answer in found],
        tie_band=numbers.tie_band(rope),
        overview=overview_table(found),
        csv_url=table_url("recommendation", "csv", query),
        table_json_url=table_url("recommendation", "json", query),
        is_synthetic=any(cell.is_synthetic for cell in cells),
        pinned=_pinned(scope, request.GET),
    )


def _pinned(scope: Scope, query: QueryDict) -> str:
    """What a badge asks for: what the page was asked, with the experiment and machine that it chose."""
    fields = query.copy()
    if scope.experiment and scope.machine:
        fields.setdefault("experiment", scope.experiment.slug)
        fields.setdefault("machine", str(scope.machine.pk))
    return fields.urlencode()


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


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("recommendation/", recommendation, name="recommendation"),)
TABLES = {"recommendation": recommendation_table}
