"""The pages that compare, and the site's own. Each looks up, builds its tables and charts, and renders."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from runs import answers, selectors, speed_ups, study_views, tables
from runs.cells import CellRow
from runs.charts import build
from runs.explore import exploration
from runs.rendering import chart_url, render_page, table_url
from runs.study.published import published


def _asked_scope(request: HttpRequest) -> tuple[selectors.Scope, list[CellRow]]:
    scope = selectors.scope(request.GET.get("experiment", ""), request.GET.get("machine", ""))
    return scope, selectors.cells_of(scope)


def home(request: HttpRequest) -> HttpResponse:
    scope, cells = _asked_scope(request)
    claims = study_views.judged(scope, cells) if cells else []
    return render_page(
        request,
        "home",
        "answers",
        scope=scope,
        answers=answers.answers(cells, selectors.published_recommendations()),
        is_synthetic=any(cell.is_synthetic for cell in cells),
        stored=selectors.stored_counts(),
        heat_tables=_heat_tables(cells),
        all_claims=study_views.claim_cells(claims),
        counts=study_views.claim_counts(claims),
    )


def recommendation(request: HttpRequest) -> HttpResponse:
    scope, cells = _asked_scope(request)
    found = answers.answers(cells, selectors.published_recommendations())
    return render_page(
        request,
        "recommendation",
        "answers",
        scope=scope,
        answers=found,
        overview=answers.overview_table(found),
        is_synthetic=any(cell.is_synthetic for cell in cells),
    )


def _heat_tables(cells: Sequence[CellRow]) -> list[tables.Table]:
    published_values = selectors.published_speed_ups()
    return [
        speed_ups.speed_up_table(network, values, speed_ups.measured_speed_ups(cells, network))
        for network, values in published_values.items()
    ]


def speed_up_page(request: HttpRequest) -> HttpResponse:
    scope, cells = _asked_scope(request)
    published_values = selectors.published_speed_ups()
    measured = {network: speed_ups.measured_speed_ups(cells, network) for network in published_values}
    return render_page(
        request,
        "speed_ups",
        "speed-ups",
        scope=scope,
        heat_tables=[
            speed_ups.speed_up_table(network, values, measured[network]) for network, values in published_values.items()
        ],
        measured_tables=[
            speed_ups.measured_table(network, measured[network], published_values[network])
            for network in published_values
            if measured[network]
        ],
        machines_then=published().machines,
        is_synthetic=any(cell.is_synthetic for cell in cells),
    )


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
        json_url=chart_url("time-per-epoch", query),
        csv_url=table_url("comparison", "csv", query),
        table_json_url=table_url("comparison", "json", query),
    )


# ---------------------------------------------------------------- the rest


def method(request: HttpRequest) -> HttpResponse:
    return render_page(request, "method", "method", study=published().study)


def upload_help(request: HttpRequest) -> HttpResponse:
    return render_page(request, "upload_help", "method")


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
