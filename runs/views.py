"""The pages. Each looks up, builds its tables and charts, and renders; deciding is done elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from engines.registry import ENGINES
from runs import answers, formats, record_tables, run_pages, selectors, speed_ups, tables
from runs.cells import CellRow
from runs.charts import build
from runs.explore import exploration
from runs.models import DEVICES, NETWORK_TYPES, STATUSES, Environment, Experiment, Machine
from runs.study.published import published

DATA_PAGES = (
    ("runs", "Runs"),
    ("experiments", "Experiments"),
    ("machines", "Machines"),
    ("environments", "Environments"),
    ("engines", "Engines"),
)
LIST_PAGE = 50


def _page(request: HttpRequest, template: str, section: str, **context: Any) -> HttpResponse:
    return render(request, f"runs/{template}.html", {"section": section, "data_pages": DATA_PAGES, **context})


def _asked_scope(request: HttpRequest) -> tuple[selectors.Scope, list[CellRow]]:
    scope = selectors.scope(request.GET.get("experiment", ""), request.GET.get("machine", ""))
    return scope, selectors.cells_of(scope)


# ---------------------------------------------------------------- comparisons


def home(request: HttpRequest) -> HttpResponse:
    scope, cells = _asked_scope(request)
    return _page(
        request,
        "home",
        "answers",
        scope=scope,
        answers=answers.answers(cells, selectors.published_recommendations()),
        is_synthetic=any(cell.is_synthetic for cell in cells),
        stored=selectors.stored_counts(),
        heat_tables=_heat_tables(cells),
    )


def recommendation(request: HttpRequest) -> HttpResponse:
    scope, cells = _asked_scope(request)
    found = answers.answers(cells, selectors.published_recommendations())
    return _page(
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
    return _page(
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
    return _page(
        request,
        "explore",
        "explore",
        found=found,
        scope=found.scope,
        chart=found.chart,
        chart_url=_chart_url("time-per-epoch", request.GET.urlencode()),
        summary=build.summary(found.chart),
        table=tables.comparison_table(found.standings, scope_query=_scope_query(found.scope)),
    )


def _scope_query(scope: selectors.Scope) -> str:
    experiment, machine = scope.experiment, scope.machine
    return urlencode({"experiment": experiment.slug, "machine": machine.pk}) if experiment and machine else ""


def _chart_url(slug: str, query: str) -> str:
    return reverse("chart", args=[slug]) + (f"?{query}" if query else "")


# ---------------------------------------------------------------- what is stored


def runs(request: HttpRequest) -> HttpResponse:
    wished = {name: request.GET.get(name, "") for name in selectors.RUN_FILTERS}
    page = selectors.run_page(wished, request.GET.get("before", ""))
    return _page(
        request,
        "run_list",
        "data",
        tab="runs",
        page=page,
        table=record_tables.runs_table(page.runs),
        filters=_run_filters(wished),
        other_filters={name: value for name, value in wished.items() if value and name not in _OFFERED_RUN_FILTERS},
        is_filtered=any(wished.values()),
    )


_OFFERED_RUN_FILTERS = ("experiment", "machine", "engine", "network", "device", "status")


def _run_filters(wished: dict[str, str]) -> list[dict[str, Any]]:
    """Each with its choices; one that was asked for and is not offered stays, as it was typed."""
    choices: dict[str, list[tuple[str, str]]] = {
        "experiment": list(Experiment.objects.values_list("slug", "name")[: selectors.OFFERED]),
        "machine": [(str(pk), name) for pk, name in Machine.objects.values_list("pk", "name")[: selectors.OFFERED]],
        "engine": [(slug, info.title) for slug, info in ENGINES.items()],
        "network": [(value, value.upper()) for value, _ in NETWORK_TYPES],
        "device": [(value, value.upper()) for value, _ in DEVICES],
        "status": STATUSES,
    }
    for name, offered in choices.items():
        if wished[name] and wished[name] not in dict(offered):
            offered.append((wished[name], wished[name]))
    return [
        {"name": name, "title": name.capitalize(), "choices": offered, "value": wished[name]}
        for name, offered in choices.items()
    ]


def run(request: HttpRequest, run_id: str) -> HttpResponse:
    found = run_pages.run_asked_for(str(run_id))
    query = urlencode({"run": found.run_id})
    epochs, losses = run_pages.epochs_chart(found), run_pages.losses_chart(found)
    return _page(
        request,
        "run",
        "data",
        tab="runs",
        run=found,
        status=tables.status_chip(found.status),
        headline=formats.seconds(found.epoch_seconds),
        charts=[
            (chart, _chart_url(chart.spec.slug, query), build.summary(chart))
            for chart in (epochs, losses)
            if chart.points
        ],
        tables=[
            table
            for table in (
                run_pages.results_table(found),
                run_pages.phases_table(found),
                run_pages.placement_table(found),
                run_pages.hardware_table(found.record.get("machine") or {}),
                run_pages.settings_table(found),
                run_pages.conditions_table(found),
            )
            if table.rows
        ],
    )


def _listed(request: HttpRequest, objects: QuerySet[Any]) -> Page[Any]:
    return Paginator(objects, LIST_PAGE).get_page(request.GET.get("page"))


def _keys(page: Page[Any]) -> list[int]:
    return [row.pk for row in page.object_list]


def experiments(request: HttpRequest) -> HttpResponse:
    page = _listed(request, Experiment.objects.all())
    table = record_tables.experiments_table(list(page), selectors.extents("experiment", _keys(page)))
    return _page(request, "list", "data", tab="experiments", title="Experiments", page=page, table=table)


def experiment(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Experiment, slug=slug)
    machines = selectors.machines_of(found)
    extents = selectors.extents("machine", [machine.pk for machine in machines])
    return _page(
        request,
        "experiment",
        "data",
        tab="experiments",
        experiment=found,
        machines=record_tables.machines_table(machines, extents),
        latest=record_tables.runs_table(
            selectors.latest_runs(experiment=found), "Its newest runs", without="Experiment"
        ),
    )


def machines(request: HttpRequest) -> HttpResponse:
    page = _listed(request, Machine.objects.all())
    table = record_tables.machines_table(list(page), selectors.extents("machine", _keys(page)))
    return _page(request, "list", "data", tab="machines", title="Machines", page=page, table=table)


def machine(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Machine, pk=pk)
    return _page(
        request,
        "machine",
        "data",
        tab="machines",
        machine=found,
        hardware=run_pages.hardware_table(found.hardware),
        latest=record_tables.runs_table(selectors.latest_runs(machine=found), "Its newest runs", without="Machine"),
    )


def environments(request: HttpRequest) -> HttpResponse:
    page = _listed(request, Environment.objects.all())
    table = record_tables.environments_table(list(page), selectors.extents("environment", _keys(page)))
    return _page(request, "list", "data", tab="environments", title="Environments", page=page, table=table)


def environment(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Environment, pk=pk)
    return _page(
        request,
        "environment",
        "data",
        tab="environments",
        environment=found,
        origin=record_tables.ORIGIN_WORDS.get(found.origin, found.origin),
        packages=record_tables.facts_table("Packages", found.packages, ("Package", "Version")),
        facts=record_tables.facts_table("What it was built with", found.facts),
        latest=record_tables.runs_table(selectors.latest_runs(environment=found), "Its newest runs"),
    )


def engines(request: HttpRequest) -> HttpResponse:
    slugs = list(dict.fromkeys([*ENGINES, *selectors.engine_slugs()]))
    extents = selectors.extents("engine", slugs)
    table = record_tables.engines_table([(slug, extents[slug]) for slug in slugs])
    return _page(request, "list", "data", tab="engines", title="Engines", table=table)


def engine(request: HttpRequest, slug: str) -> HttpResponse:
    found = ENGINES.get(slug)
    if found is None:
        return page_not_found(request, LookupError(slug))
    environments = selectors.environments_of_engine(slug)
    extents = selectors.extents("environment", [environment.pk for environment in environments])
    return _page(
        request,
        "engine",
        "data",
        tab="engines",
        engine=found,
        libraries_then=published().libraries_then.get(found.framework, {}),
        environments=record_tables.environments_table(environments, extents),
        latest=record_tables.runs_table(selectors.latest_runs(engine=slug), "Its newest runs"),
    )


# ---------------------------------------------------------------- the rest


def method(request: HttpRequest) -> HttpResponse:
    return _page(request, "method", "method", study=published().study)


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
