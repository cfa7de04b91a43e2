"""Any two sides, network by network."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import path
from django.utils.translation import gettext_noop

from runs.pages.parts.profiles import profile_pair
from runs.pages.parts.rendering import Section, render_page, table_url
from runs.pages.parts.sides import compared
from runs.tables.table import Table, in_order
from runs.words import numbers

SECTION = Section("compare", gettext_noop("Compare"), "compare")


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
        SECTION,
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


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("compare/", compare, name="compare"),)
TABLES = {"compare": compare_table}
