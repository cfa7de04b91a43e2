"""The pages about what is stored: runs, experiments, machines, environments, engines."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from engines.registry import ENGINES
from runs import formats, record_tables, run_pages, selectors, tables
from runs.charts import build
from runs.models import DEVICES, NETWORK_TYPES, STATUSES, Environment, Experiment, Machine
from runs.rendering import chart_url, render_page
from runs.study.published import published
from runs.tables import TableCell

LIST_PAGE = 50


def runs(request: HttpRequest) -> HttpResponse:
    wished = {name: request.GET.get(name, "") for name in selectors.RUN_FILTERS}
    page = selectors.run_page(wished, request.GET.get("before", ""))
    return render_page(
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
    return render_page(
        request,
        "run",
        "data",
        tab="runs",
        run=found,
        status=tables.status_chip(found.status),
        headline=formats.seconds(found.epoch_seconds),
        charts=[
            (chart, chart_url(chart.spec.slug, query), build.summary(chart))
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
    return render_page(request, "list", "data", tab="experiments", title="Experiments", page=page, table=table)


def experiment(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Experiment, slug=slug)
    machines = selectors.machines_of(found)
    extents = selectors.extents("machine", [machine.pk for machine in machines])
    return render_page(
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
    return render_page(request, "list", "data", tab="machines", title="Machines", page=page, table=table)


def machine(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Machine, pk=pk)
    return render_page(
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
    return render_page(request, "list", "data", tab="environments", title="Environments", page=page, table=table)


def environment(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Environment, pk=pk)
    return render_page(
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
    return render_page(request, "list", "data", tab="engines", title="Engines", table=table)


def engine(request: HttpRequest, slug: str) -> HttpResponse:
    found = ENGINES.get(slug)
    if found is None:
        raise Http404(f"There is no engine {slug!r}.")
    environments = selectors.environments_of_engine(slug)
    extents = selectors.extents("environment", [environment.pk for environment in environments])
    return render_page(
        request,
        "engine",
        "data",
        tab="engines",
        engine=found,
        libraries_then=published().libraries_then.get(found.framework, {}),
        environments=record_tables.environments_table(environments, extents),
        latest=record_tables.runs_table(selectors.latest_runs(engine=slug), "Its newest runs"),
    )


# ---------------------------------------------------------------- search


def search(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("q", "").replace("\0", "").strip()[:100]
    return render_page(request, "search", "search", q=wanted, groups=_hits(wanted) if wanted else [])


def _hits(wanted: str) -> list[tuple[str, list[TableCell]]]:
    engines = [
        TableCell(info.title, url=reverse("engine", args=[slug]))
        for slug, info in ENGINES.items()
        if wanted.casefold() in f"{info.title} {slug} {info.abbreviation}".casefold()
    ]
    groups = [
        (_("Engines"), engines),
        (_("Machines"), record_tables.machine_hits(selectors.machines_named(wanted))),
        (_("Experiments"), record_tables.experiment_hits(selectors.experiments_named(wanted))),
        (_("Runs"), record_tables.run_hits(selectors.runs_by_id(wanted))),
    ]
    return [(title, hits) for title, hits in groups if hits]
