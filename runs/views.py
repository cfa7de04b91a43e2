"""The pages that compare, and the site's own. Each looks up, builds its tables and charts, and renders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import render

from engines.contract import NetworkType
from runs import answers, claim_views, run_figures, selectors, speed_ups, tables, track_pages
from runs.cells import CellRow
from runs.charts import build
from runs.explore import exploration
from runs.noise import region_of
from runs.rendering import chart_url, render_page, table_url
from runs.study.published import published
from runs.upload.access import is_in_the_open


def _asked_scope(request: HttpRequest) -> tuple[selectors.Scope, list[CellRow]]:
    scope = selectors.scope(request.GET.get("experiment", ""), request.GET.get("machine", ""))
    return scope, selectors.cells_of(scope)


def home(request: HttpRequest) -> HttpResponse:
    scope, cells = _asked_scope(request)
    rope = region_of(scope.machine)
    claims = claim_views.judged(scope, cells, rope=rope) if cells else []
    return render_page(
        request,
        "home",
        "answers",
        scope=scope,
        answers=answers.answers(cells, selectors.published_recommendations(), rope=rope),
        is_synthetic=any(cell.is_synthetic for cell in cells),
        stored=selectors.stored_counts(),
        heat_tables=_heat_tables(cells),
        all_claims=claim_views.claim_cells(claims),
        counts=claim_views.claim_counts(claims),
    )


def recommendation(request: HttpRequest) -> HttpResponse:
    scope, cells = _asked_scope(request)
    found = answers.answers(cells, selectors.published_recommendations(), rope=region_of(scope.machine))
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
    scope = selectors.scope(request.GET.get("experiment", ""), request.GET.get("machine", ""))
    measured = _measured_speed_ups(scope)
    published_values = selectors.published_speed_ups()
    pairs = [each for found in measured.values() for each in found.values()]
    figures = run_figures.run_figures(scope, [row for each in pairs for row in (each.before, each.after)])
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
        break_even=speed_ups.break_even_table(pairs, figures),
        machines_then=published().machines,
        csv_url=table_url("speed-ups", "csv", request.GET.urlencode()),
        table_json_url=table_url("speed-ups", "json", request.GET.urlencode()),
        is_synthetic=any(each.after.is_synthetic for each in pairs),
    )


def _measured_speed_ups(scope: selectors.Scope) -> dict[NetworkType, dict[speed_ups.Key, speed_ups.Measured]]:
    """Over all machines of the experiment: where this one lacks a side, another may have it."""
    rows = selectors.cells_of_experiment(scope.experiment) if scope.experiment else []
    machine = scope.machine.name if scope.machine else ""
    networks: tuple[NetworkType, ...] = ("mlp", "cnn")
    return {network: speed_ups.measured_speed_ups(rows, network, machine) for network in networks}


def speed_up_export(query: QueryDict) -> tables.Table:
    """Both networks' measured speed-ups; the published ones where nothing was measured."""
    scope = selectors.scope(query.get("experiment", ""), query.get("machine", ""))
    published_values = selectors.published_speed_ups()
    made = [
        speed_ups.measured_table(network, found, published_values[network])
        for network, found in _measured_speed_ups(scope).items()
    ]
    return replace(made[0], rows=[row for table in made for row in table.rows])


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
        payoffs=track_pages.payoff_table(found.scope, track_pages.in_any_track(found.rows, found.picked.rows)),
        documented=track_pages.documented(row.engine for row in found.picked.rows),
        json_url=chart_url("time-per-epoch", query),
        csv_url=table_url("comparison", "csv", query),
        table_json_url=table_url("comparison", "json", query),
    )


# ---------------------------------------------------------------- the rest


def method(request: HttpRequest) -> HttpResponse:
    return render_page(request, "method", "method", study=published().study)


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
