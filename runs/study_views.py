"""The pages of the study's figures, of scaling over threads, and of any two sides."""

from __future__ import annotations

from dataclasses import replace

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _

from runs.charts import build
from runs.charts.build import Chart
from runs.claim_views import asked_cells, claim_chip, claim_strips, judged
from runs.explore import Option, scope_query
from runs.figures import StudyFigure, figures, look_of
from runs.findings.cells import CellRow
from runs.findings.choices import Select, selects
from runs.pages.parts.profiles import profile_pair
from runs.pages.parts.rendering import chart_url, render_page, table_url
from runs.pages.parts.sides import compared
from runs.selectors.machines import region_of
from runs.selectors.run_details import run_details
from runs.selectors.scopes import Scope
from runs.study.published import published
from runs.tables.table import Table, in_order
from runs.threads import ThreadScaling
from runs.threads import slug as thread_slug
from runs.words import numbers

# ---------------------------------------------------------------- figures


def figure_list(request: HttpRequest) -> HttpResponse:
    scope, rows = asked_cells(request.GET)
    verdicts = {claim.id: claim_chip(claim) for claim in judged(scope, rows)}
    found = figures(rows, look_of(request.GET))
    return render_page(
        request,
        "figures",
        "figures",
        scope=scope,
        figures=[(figure, [verdicts[claim] for claim in figure.claims]) for figure in found],
        switches=_figure_switches(request.GET, with_scale=False),
        kept={name: request.GET[name] for name in ("engines", "look") if name in request.GET},
        is_synthetic=any(row.is_synthetic for row in rows),
    )


def _figure_switches(query: QueryDict, *, with_scale: bool, scale: str = "") -> list[tuple[str, list[Option]]]:
    def option(words: str, name: str, value: str) -> Option:
        changed = query.copy()
        changed.pop(name, None)
        if value:
            changed[name] = value
        return Option(words, changed.urlencode(), query.get(name, "") == value)

    found = [
        (_("Engines"), [option(_("The study's"), "engines", ""), option(_("All engines"), "engines", "all")]),
        (_("Colours"), [option(_("Today's colours"), "look", ""), option(_("The study's greys"), "look", "study")]),
    ]
    if with_scale:
        both = [option(_("Linear"), "scale", "linear"), option(_("Log"), "scale", "log")]
        found.append((_("Scale"), [Option(each.label, each.query, f"scale={scale}" in each.query) for each in both]))
    return found


def _over_switch(query: QueryDict) -> tuple[str, list[Option]]:
    """A figure by threads is read either way."""
    changed = query.copy()
    changed["over"] = "threads"
    plain = query.copy()
    plain.pop("over", None)
    is_over = query.get("over") == "threads"
    return _("Over"), [
        Option(_("Width"), plain.urlencode(), not is_over),
        Option(_("Threads"), changed.urlencode(), is_over),
    ]


def _asked_figure(number: str, query: QueryDict) -> tuple[Scope, list[CellRow], list[StudyFigure], int]:
    scope, rows = asked_cells(query)
    found = figures(rows, look_of(query, scope_query(scope)), region_of(*scope.measured_on))
    place = next((at for at, figure in enumerate(found) if figure.slug == number), None)
    if place is None:
        raise Http404(f"The study has no figure {number!r}. It has 4-1 to 4-20.")
    return scope, rows, found, place


def figure(request: HttpRequest, number: str) -> HttpResponse:
    scope, rows, found, place = _asked_figure(number, request.GET)
    shown = found[place]
    query = _with_number(request.GET, number)
    claims = [claim for claim in judged(scope, rows) if claim.id in shown.claims]
    return render_page(
        request,
        "figure",
        "figures",
        scope=scope,
        figure=shown,
        chart=shown.chart,
        chart_url=chart_url("figure", query),
        summary=build.summary(shown.chart),
        table=in_order(shown.table, request.GET.get("sort", "")),
        tie_band=numbers.tie_band(shown.rope),
        claims=[(claim, claim_chip(claim), claim_strips(claim)) for claim in claims],
        switches=[
            *_figure_switches(request.GET, with_scale=True, scale=shown.scale),
            *([_over_switch(request.GET)] if shown.by_threads else []),
        ],
        kept={name: request.GET[name] for name in ("engines", "look", "scale", "over") if name in request.GET},
        before=found[place - 1] if place else None,
        after=found[place + 1] if place + 1 < len(found) else None,
        csv_url=table_url("figure", "csv", query),
        table_json_url=table_url("figure", "json", query),
        is_synthetic=shown.picked.is_synthetic,
    )


def _with_number(query: QueryDict, number: str) -> str:
    changed = query.copy()
    changed["figure"] = number
    return changed.urlencode()


def figure_chart(query: QueryDict) -> Chart:
    *_rest, found, place = _asked_figure(query.get("figure", ""), query)
    return found[place].chart


def figure_table(query: QueryDict) -> Table:
    *_rest, found, place = _asked_figure(query.get("figure", ""), query)
    return found[place].table


# ---------------------------------------------------------------- threads


def _asked_threads(query: QueryDict, *, with_figures: bool = False) -> tuple[Scope, ThreadScaling]:
    scope, rows = asked_cells(query)
    cores = (scope.machine.hardware if scope.machine else {}).get("cores")
    wished = {name: query.getlist(name) for name in ("network", "data", "batch")}
    found = ThreadScaling(rows, wished, cores, scope_query(scope))
    if with_figures:
        drawn = [row for line in found.lines for row in line.cells.values()]
        found = replace(found, figures=run_details(scope, drawn))
    return scope, found


def threads(request: HttpRequest) -> HttpResponse:
    scope, found = _asked_threads(request.GET, with_figures=True)
    query = request.GET.urlencode()
    charts = [(found.chart(slug), chart_url(slug, query)) for slug in THREAD_CHARTS] if found.lines else []
    return render_page(
        request,
        "threads",
        "threads",
        scope=scope,
        found=found,
        charts=[(chart, address, build.summary(chart), chart.spec.heading) for chart, address in charts],
        selects=_thread_selects(found, request.GET),
        table=in_order(found.table, request.GET.get("sort", "")),
        published=published().thread_scaling["mlp"],
        csv_url=table_url("threads", "csv", query),
        table_json_url=table_url("threads", "json", query),
        is_synthetic=found.is_synthetic,
    )


def _thread_selects(found: ThreadScaling, query: QueryDict) -> list[Select]:
    if not found.network:
        return []
    asked = {name: query.getlist(name) for name in query}
    network = Select("network", _("Network"), found.network_choices, thread_slug(found.network))
    return [network, *selects([(found.network.type, found.picked.facets)], asked)]


THREAD_CHARTS = ("threads-time", "threads-speed-up", "threads-efficiency")


def thread_chart(slug: str, query: QueryDict) -> Chart:
    return _asked_threads(query)[1].chart(slug)


def thread_table(query: QueryDict) -> Table:
    return _asked_threads(query, with_figures=True)[1].table


# ---------------------------------------------------------------- two sides


def compare(request: HttpRequest) -> HttpResponse:
    found = compared(request.GET)
    query = request.GET.urlencode()
    swapped = QueryDict(mutable=True)
    for name, values in request.GET.lists():
        swapped.setlist({"a": "b", "b": "a"}.get(name[:1], name[:1]) + name[1:] if name[1:2] == "_" else name, values)
    return render_page(
        request,
        "compare",
        "compare",
        found=found,
        scope=found.a.scope,
        tie_band=numbers.tie_band(found.rope),
        table=in_order(found.table, request.GET.get("sort", "")),
        profiles=profile_pair(found, request.GET),
        swap_query=swapped.urlencode(),
        csv_url=table_url("compare", "csv", query),
        table_json_url=table_url("compare", "json", query),
        is_synthetic=found.is_synthetic,
    )


def compare_table(query: QueryDict) -> Table:
    return compared(query).table
