"""Any two sides, network by network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import path
from django.utils.translation import gettext_noop

from runs.pages.parts.profiles import profile_pair
from runs.pages.parts.rendering import Section, render_page, table_url
from runs.pages.parts.sides import Compared, Pairing, compared
from runs.tables.table import Table, in_order
from runs.words import numbers
from runs.words.networks import network_plural

SECTION = Section("compare", gettext_noop("Compare"), "compare")
MOST_OPEN = 12
"""Workloads of a family that are shown without a click."""


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
        groups=groups(found, request.GET.get("sort", "")),
        profiles=profile_pair(found, request.GET),
        swap_query=swapped.urlencode(),
        csv_url=table_url("compare", "csv", query),
        table_json_url=table_url("compare", "json", query),
        is_synthetic=found.is_synthetic,
    )


@dataclass(frozen=True)
class Group:
    """A family of networks: what both sides have of it. It is `open` where it is short, or asked for."""

    title: str
    mean: str
    table: Table
    is_open: bool


def groups(found: Compared, sort: str) -> list[Group]:
    """The pairings by family, each with its own geometric mean."""
    families: dict[str, list[Pairing]] = {}
    for pairing in found.common:
        families.setdefault(pairing.row.network_type, []).append(pairing)
    return [_group(found, family, own, sort, is_sole=len(families) == 1) for family, own in families.items()]


def _group(found: Compared, family: str, own: Sequence[Pairing], sort: str, *, is_sole: bool) -> Group:
    mean, title = found.mean_of(own), network_plural(family)
    words = numbers.times(mean.value if mean else None)
    if mean and mean.low is not None:
        words += f" ({numbers.interval(mean.low, mean.high, '×')})"
    table = in_order(found.table_of(own, title), sort)
    return Group(title, words, table, is_sole or bool(sort) or len(own) <= MOST_OPEN)


def compare_table(query: QueryDict) -> Table:
    return compared(query).table


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("compare/", compare, name="compare"),)
TABLES = {"compare": compare_table}
