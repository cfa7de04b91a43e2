"""The pages about what is stored: runs, experiments, machines, environments, engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from engines.registry import ENGINES
from runs import machine_pages, record_tables, run_pages
from runs.charts import build
from runs.errors import RunsError
from runs.models import DEVICES, NETWORK_TYPES, STATUSES, Environment, Experiment, Machine, Run
from runs.pages.parts import profiles
from runs.pages.parts.cells import status_chip
from runs.pages.parts.rendering import chart_url, render_page
from runs.pages.parts.tracks import docs_of, payoffs_of_engine
from runs.selectors import coverage
from runs.selectors.coverage import engine_slugs
from runs.selectors.machines import noise_of
from runs.selectors.progress import progress_of
from runs.selectors.runs import (
    RUN_FILTERS,
    environments_of_engine,
    latest_runs,
    newest_run_in_each,
    newest_run_of_each_track,
    run_page,
)
from runs.selectors.scopes import OFFERED, machines_of
from runs.selectors.search import experiments_named, machines_named, runs_by_id
from runs.services import curation
from runs.study.published import published
from runs.tables.table import Table, TableCell, in_order
from runs.words import numbers
from runs.words.reasons import reason_in_words

LIST_PAGE = 50


def runs(request: HttpRequest) -> HttpResponse:
    wished = {name: request.GET.get(name, "") for name in RUN_FILTERS}
    sort = request.GET.get("sort", "")
    page = run_page(wished, request.GET.get("before", ""), sort, request.GET.get("page", ""))
    return render_page(
        request,
        "run_list",
        "data",
        tab="runs",
        page=page,
        table=replace(record_tables.runs_table(page.runs), sorted_by=sort),
        sort=sort,
        filters=_run_filters(wished),
        other_filters={name: value for name, value in wished.items() if value and name not in _OFFERED_RUN_FILTERS},
        is_filtered=any(wished.values()),
    )


_OFFERED_RUN_FILTERS = ("experiment", "machine", "engine", "network", "device", "status")


def _run_filters(wished: dict[str, str]) -> list[dict[str, Any]]:
    """Each with its choices; one that was asked for and is not offered stays, as it was typed."""
    choices: dict[str, list[tuple[str, str]]] = {
        "experiment": list(Experiment.objects.values_list("slug", "name")[:OFFERED]),
        "machine": [(str(pk), name) for pk, name in Machine.objects.values_list("pk", "name")[:OFFERED]],
        "engine": [(slug, info.title) for slug, info in ENGINES.items()],
        "network": [(value, value.upper()) for value, _ in NETWORK_TYPES],
        "device": [(value, value.upper()) for value, _ in DEVICES],
        "status": STATUSES,
    }
    for name, offered in choices.items():
        if wished[name] and wished[name] not in dict(offered):
            offered.append((wished[name], wished[name]))
    return [
        {"name": name, "title": _(name.capitalize()), "choices": offered, "value": wished[name]}
        for name, offered in choices.items()
    ]


def run(request: HttpRequest, run_id: str, problem: str = "") -> HttpResponse:
    found = run_pages.run_asked_for(str(run_id))
    query = urlencode({"run": found.run_id})
    place = run_pages.place_chart(found)
    charts = [chart for chart in (run_pages.epochs_chart(found), run_pages.losses_chart(found), place) if chart.points]
    return render_page(
        request,
        "run",
        "data",
        tab="runs",
        run=found,
        problem=problem,
        may_exclude=_may_exclude(request, found),
        place=run_pages.place_words(found, place),
        data=run_pages.data_of(found),
        why_not=reason_in_words(found.reason),
        unstable=run_pages.unstable_reasons(found),
        status=status_chip(found.status),
        headline=numbers.seconds(found.epoch_seconds),
        charts=[(chart, chart_url(chart.spec.slug, query), build.summary(chart)) for chart in charts],
        profile=profiles.profile_beside(found),
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


def _may_exclude(request: HttpRequest, found: Run) -> bool:
    user = request.user
    return user.is_authenticated and (user.is_staff or found.machine.owner_id == user.pk)


@require_POST
def exclusion(request: HttpRequest, run_id: str) -> HttpResponse:
    """Excludes a run, or restores it, with the reason that its page's form gives."""
    if not request.user.is_authenticated:
        return redirect_to_login(reverse("run", args=[run_id]), reverse("sign-in"))
    act = curation.restore_run if request.POST.get("act") == "restore" else curation.exclude_run
    try:
        act(run_id=str(run_id), reason=request.POST.get("reason", ""), by=request.user)
    except RunsError as error:
        answer = run(request, run_id, problem=str(error))
        answer.status_code = 400
        return answer
    return redirect("run", run_id=run_id)


def _listed(request: HttpRequest, objects: QuerySet[Any]) -> Page[Any]:
    return Paginator(objects, LIST_PAGE).get_page(request.GET.get("page"))


def _keys(page: Page[Any]) -> list[int]:
    return [row.pk for row in page.object_list]


def experiments(request: HttpRequest) -> HttpResponse:
    orders = {"name": "name", "suite": "suite", "started": "created_at"}
    page = _listed(request, _ordered(Experiment.objects.all(), request, orders, ("name", "suite")))
    table = record_tables.experiments_table(list(page), coverage.extents("experiment", _keys(page)))
    return _list(request, "experiments", _("Experiments"), page, table)


def experiment(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Experiment, slug=slug)
    machines = machines_of(found)
    extents = coverage.extents("machine", [machine.pk for machine in machines])
    return render_page(
        request,
        "experiment",
        "data",
        tab="experiments",
        experiment=found,
        progress=progress_of(found),
        machines=record_tables.machines_table(machines, extents),
        latest=record_tables.runs_table(latest_runs(experiment=found), _("Its newest runs"), without=_("Experiment")),
    )


def progress(request: HttpRequest, slug: str) -> JsonResponse:
    """What pages that are open ask from time to time."""
    found = progress_of(get_object_or_404(Experiment, slug=slug))
    return JsonResponse(
        {
            "runs": found.runs,
            "planned": found.planned,
            "is_running": found.is_running,
            "words": found.words,
            "newest_run_at": found.newest_run_at and found.newest_run_at.isoformat(),
        }
    )


def machines(request: HttpRequest) -> HttpResponse:
    orders = {"name": "name", "cpu": "hardware__cpu", "cores": "hardware__cores", "memory": "hardware__memory_bytes"}
    page = _listed(request, _ordered(Machine.objects.all(), request, orders, ("name", "hardware__cpu")))
    table = record_tables.machines_table(list(page), coverage.extents("machine", _keys(page)))
    return _list(request, "machines", _("Machines"), page, table)


def _list(request: HttpRequest, tab: str, title: str, page: Page[Any], table: Table) -> HttpResponse:
    table = replace(table, sorted_by=request.GET.get("sort", ""))
    return render_page(
        request, "list", "data", tab=tab, title=title, page=page, table=table, q=request.GET.get("q", "")
    )


def _ordered(
    objects: QuerySet[Any], request: HttpRequest, orders: Mapping[str, str], searched: Sequence[str]
) -> QuerySet[Any]:
    """By what the address asks for: a search in some columns, and an order by one."""
    words = request.GET.get("q", "").replace("\0", "")[:100]
    if words:
        objects = objects.filter(reduce(or_, (Q(**{f"{name}__icontains": words}) for name in searched)))
    sort = request.GET.get("sort", "")
    column = orders.get(sort.lstrip("-"))
    return objects.order_by(("-" if sort.startswith("-") else "") + column, "pk") if column else objects


def machine(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Machine, pk=pk)
    state = machine_pages.stability_of(found, noise_of(found))
    query = urlencode({"machine": found.pk})
    return render_page(
        request,
        "machine",
        "data",
        tab="machines",
        machine=found,
        tables=machine_pages.hardware_tables(found.hardware),
        state=state,
        chart=state.chart,
        chart_url=chart_url("stability", query),
        summary=build.summary(state.chart),
        peers=machine_pages.peers_table(found),
        latest=record_tables.runs_table(latest_runs(machine=found), _("Its newest runs"), without=_("Machine")),
    )


def environments(request: HttpRequest) -> HttpResponse:
    orders = {"name": "name", "python": "python", "origin": "origin"}
    page = _listed(request, _ordered(Environment.objects.all(), request, orders, ("name", "python", "sha256")))
    table = record_tables.environments_table(list(page), coverage.extents("environment", _keys(page)))
    return _list(request, "environments", _("Environments"), page, table)


def environment(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Environment, pk=pk)
    return render_page(
        request,
        "environment",
        "data",
        tab="environments",
        environment=found,
        origin=record_tables.ORIGIN_WORDS.get(found.origin, found.origin),
        packages=record_tables.facts_table(_("Packages"), found.packages, (_("Package"), _("Version"))),
        facts=record_tables.facts_table(_("What it was built with"), found.facts),
        latest=record_tables.runs_table(latest_runs(environment=found), _("Its newest runs")),
    )


def engines(request: HttpRequest) -> HttpResponse:
    slugs = list(dict.fromkeys([*ENGINES, *engine_slugs()]))
    extents = coverage.extents("engine", slugs)
    table = record_tables.engines_table([(slug, extents[slug]) for slug in slugs])
    table = in_order(table, request.GET.get("sort", ""))
    return render_page(request, "list", "data", tab="engines", title=_("Engines"), table=table)


def engine(request: HttpRequest, slug: str) -> HttpResponse:
    found = ENGINES.get(slug)
    if found is None:
        raise Http404(f"There is no engine {slug!r}.")
    environments = environments_of_engine(slug)
    gated = newest_run_in_each(slug, environments)
    tracks = newest_run_of_each_track(slug)
    extents = coverage.extents("environment", [environment.pk for environment in environments])
    return render_page(
        request,
        "engine",
        "data",
        tab="engines",
        engine=found,
        gates=record_tables.gates_table(slug, gated),
        tracks=record_tables.tracks_table({track: run.record for track, run in tracks.items()}),
        payoffs=payoffs_of_engine(slug, tracks),
        has_docs=docs_of(slug) is not None,
        libraries_then=published().libraries_then.get(found.framework, {}),
        environments=record_tables.environments_table(environments, extents),
        latest=record_tables.runs_table(latest_runs(engine=slug), _("Its newest runs")),
    )


def engine_docs(request: HttpRequest, slug: str) -> HttpResponse:
    """How an engine is implemented, as the repository says it: plain text, also where there is no network."""
    path = docs_of(slug)
    if path is None:
        raise Http404(f"There are no notes on an engine {slug!r}.")
    return HttpResponse(path.read_text(encoding="utf-8"), content_type="text/plain; charset=utf-8")


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
        (_("Machines"), record_tables.machine_hits(machines_named(wanted))),
        (_("Experiments"), record_tables.experiment_hits(experiments_named(wanted))),
        (_("Runs"), record_tables.run_hits(runs_by_id(wanted))),
    ]
    return [(title, hits) for title, hits in groups if hits]
