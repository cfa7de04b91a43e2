"""Any two sides or more, network by network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import path
from django.utils.translation import gettext_noop

from runs.pages.parts.pairings import Compared, Pairing
from runs.pages.parts.profiles import profile_pair
from runs.pages.parts.rendering import Section, render_page, table_url
from runs.pages.parts.sides import Comparison, compared
from runs.tables.table import Table, in_order
from runs.words import numbers
from runs.words.networks import network_plural

SECTION = Section("compare", gettext_noop("Compare"), "compare")
MOST_OPEN = 12
"""Workloads of a family that are shown without a click."""


# ---------------------------------------------------------------- the sides


def compare(request: HttpRequest) -> HttpResponse:
    found = compared(request.GET)
    query = request.GET.urlencode()
    return render_page(
        request,
        "compare",
        SECTION,
        found=found,
        scope=found.pairs[0].a.scope,
        tie_band=numbers.tie_band(found.rope),
        groups=groups(found, request.GET.get("sort", "")),
        profiles=profile_pair(found.pairs[0], request.GET),
        csv_url=table_url("compare", "csv", query),
        table_json_url=table_url("compare", "json", query),
        is_synthetic=found.is_synthetic,
    )


@dataclass(frozen=True)
class Group:
    """A family of networks: what the sides have of it. It is `open` where it is short, or asked for."""

    title: str
    workloads: int
    mean: str
    table: Table
    is_open: bool


def groups(found: Comparison, sort: str) -> list[Group]:
    """The pairings by family, each with the geometric mean of each side."""
    families: dict[str, list[Pairing]] = {}
    for pairing in found.common:
        families.setdefault(pairing.row.network_type, []).append(pairing)
    return [_group(found, family, own, sort, is_sole=len(families) == 1) for family, own in families.items()]


def _group(found: Comparison, family: str, own: Sequence[Pairing], sort: str, *, is_sole: bool) -> Group:
    title, most = network_plural(family), 0
    means = []
    for pair in found.pairs:
        of_side = [pairing for pairing in own if pairing.letter == pair.b.mark]
        most = max(most, len(of_side))
        if of_side:
            means.append(f"{pair.b.mark}: {_mean(pair, of_side)}" if found.is_several else _mean(pair, of_side))
    table = in_order(found.table_of(own, title), sort)
    return Group(title, most, ", ".join(means), table, is_sole or bool(sort) or len(own) <= MOST_OPEN)


def _mean(pair: Compared, own: Sequence[Pairing]) -> str:
    mean = pair.mean_of(own)
    words = numbers.times(mean.value if mean else None)
    return f"{words} ({numbers.interval(mean.low, mean.high, '×')})" if mean and mean.low is not None else words


def compare_table(query: QueryDict) -> Table:
    return compared(query).table


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("compare/", compare, name="compare"),)
TABLES = {"compare": compare_table}
