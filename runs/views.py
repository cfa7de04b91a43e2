"""The pages that compare, and the site's own. Each looks up, builds its tables and charts, and renders."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import render

from runs import answer_tables, claim_views
from runs.charts import build
from runs.explore import exploration
from runs.findings.cells import CellRow
from runs.findings.choices import selects
from runs.findings.situations import CHOICES, Answer, answers
from runs.findings.tracks import in_any_track
from runs.pages.parts.answers import forest_of
from runs.pages.parts.rendering import chart_url, render_page, table_url
from runs.pages.parts.tracks import documented, payoff_table
from runs.selectors.cells import cells_of
from runs.selectors.coverage import stored_counts
from runs.selectors.machines import region_of
from runs.selectors.scopes import Scope, asked_scope
from runs.selectors.study import published_recommendations
from runs.speed_up_pages import found_speed_ups
from runs.study.published import published
from runs.study_tables import study_tables
from runs.tables.table import Table
from runs.upload.access import is_in_the_open
from runs.words import numbers


def _asked_cells(query: QueryDict) -> tuple[Scope, list[CellRow]]:
    scope = asked_scope(query)
    return scope, cells_of(scope)


def home(request: HttpRequest) -> HttpResponse:
    scope, cells = _asked_cells(request.GET)
    rope = region_of(*scope.measured_on)
    claims = claim_views.judged(scope, cells, rope=rope) if cells else []
    speed_ups = found_speed_ups(scope, request.GET, cells)
    return render_page(
        request,
        "home",
        "answers",
        scope=scope,
        answers=[(answer, forest_of(answer)) for answer in _answers(cells, request.GET, rope)],
        tie_band=numbers.tie_band(rope),
        is_synthetic=any(cell.is_synthetic for cell in cells),
        stored=stored_counts(),
        heat_tables=speed_ups.heat_tables,
        all_claims=claim_views.claim_cells(claims),
        counts=claim_views.claim_counts(claims),
    )


def _answers(cells: Sequence[CellRow], query: QueryDict, rope: float) -> list[Answer]:
    wished = {facet.name: query.getlist(facet.name) for facet in CHOICES}
    return answers(cells, published_recommendations(), rope=rope, wished=wished)


def recommendation(request: HttpRequest) -> HttpResponse:
    scope, cells = _asked_cells(request.GET)
    rope = region_of(*scope.measured_on)
    found = _answers(cells, request.GET, rope)
    asked = {name: request.GET.getlist(name) for name in request.GET}
    query = request.GET.urlencode()
    return render_page(
        request,
        "recommendation",
        "answers",
        scope=scope,
        selects=selects([(answer.found.situation.network_type, answer.facets) for answer in found], asked),
        answers=[(answer, forest_of(answer), answer_tables.evidence_table(answer)) for answer in found],
        tie_band=numbers.tie_band(rope),
        overview=answer_tables.overview_table(found),
        csv_url=table_url("recommendation", "csv", query),
        table_json_url=table_url("recommendation", "json", query),
        is_synthetic=any(cell.is_synthetic for cell in cells),
    )


def recommendation_table(query: QueryDict) -> Table:
    scope, cells = _asked_cells(query)
    return answer_tables.answers_table(_answers(cells, query, region_of(*scope.measured_on)))


def explore(request: HttpRequest) -> HttpResponse:
    found = exploration(request.GET)
    query = request.GET.urlencode()
    charts = [(panel.chart, chart_url("time-per-epoch", panel.query), panel.label) for panel in found.panels]
    return render_page(
        request,
        "explore",
        "explore",
        found=found,
        scope=found.scope,
        charts=[
            (chart, address, build.summary(chart), label)
            for chart, address, label in charts or [(found.whole_chart, chart_url("time-per-epoch", query), "")]
        ],
        table=found.table,
        tie_band=numbers.tie_band(found.rope),
        payoffs=payoff_table(found.scope, in_any_track(found.rows, found.picked.rows)),
        documented=documented(row.engine for row in found.picked.rows),
        json_url=chart_url("time-per-epoch", query),
        csv_url=table_url("comparison", "csv", query),
        table_json_url=table_url("comparison", "json", query),
    )


# ---------------------------------------------------------------- the rest


def method(request: HttpRequest) -> HttpResponse:
    return render_page(request, "method", "method", study=published().study, study_tables=study_tables())


def upload_help(request: HttpRequest) -> HttpResponse:
    address = f"{request.scheme}://{request.get_host()}"
    return render_page(request, "upload_help", "method", address=address, in_the_open=is_in_the_open(address))


def healthz(request: HttpRequest) -> JsonResponse:
    """200 where the database answers, else 503: for load balancers and `make serve`."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "unhealthy", "database": "does not answer"}, status=503)
    return JsonResponse({"status": "healthy", "database": "answers"})


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Without a context processor: what broke the page must not break this one."""
    return render(request, "500.html", status=500)
