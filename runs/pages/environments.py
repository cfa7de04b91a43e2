"""Environments: the exact software of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from runs.models import Environment
from runs.pages.parts.lists import (
    counts,
    facts_table,
    keys,
    listed,
    number_columns,
    ordered,
    render_list,
    runs_table,
    when,
)
from runs.pages.parts.rendering import render_page, tab
from runs.selectors import coverage
from runs.selectors.coverage import Extent
from runs.selectors.runs import (
    latest_runs,
)
from runs.tables.table import Column, Table, TableCell
from runs.words import numbers

SECTION = tab("environments", gettext_noop("Environments"))


def environments(request: HttpRequest) -> HttpResponse:
    orders = {"name": "name", "python": "python", "origin": "origin"}
    page = listed(request, ordered(Environment.objects.all(), request, orders, ("name", "python", "sha256")))
    table = environments_table(list(page), coverage.extents("environment", keys(page)))
    return render_list(request, SECTION, page, table)


def environment(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Environment, pk=pk)
    return render_page(
        request,
        "environment",
        SECTION,
        environment=found,
        origin=ORIGIN_WORDS.get(found.origin, found.origin),
        packages=facts_table(_("Packages"), found.packages, (_("Package"), _("Version"))),
        facts=facts_table(_("What it was built with"), found.facts),
        latest=runs_table(latest_runs(environment=found), _("Its newest runs")),
    )


def environments_table(environments: Sequence[Environment], extents: Mapping[int, Extent]) -> Table:
    columns = [
        Column(_("Environment"), sort="name"),
        Column(_("Python"), sort="python"),
        Column(_("Made by"), sort="origin"),
        *number_columns(_("Packages")),
    ]
    columns += [*number_columns(_("Engines"), _("Cells")), Column(_("Newest run"))]
    return Table(
        _("Environments: the exact software of runs"),
        columns,
        [_environment_row(environment, extents[environment.pk]) for environment in environments],
    )


def _environment_row(environment: Environment, extent: Extent) -> list[TableCell]:
    return [
        TableCell(str(environment), url=reverse("environment", args=[environment.pk])),
        TableCell(environment.python or numbers.NONE),
        TableCell(_(ORIGIN_WORDS.get(environment.origin, environment.origin))),
        TableCell(numbers.count(len(environment.packages))),
        *counts(extent, "engines", "cells"),
        TableCell(when(extent.newest_run_at)),
    ]


ORIGIN_WORDS = {
    "locked": gettext_noop("our lock file"),
    "chosen": gettext_noop("an interpreter that the user named"),
    "missing": gettext_noop("not installed"),
}


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (
    path("environments/", environments, name="environments"),
    path("environments/<int:pk>/", environment, name="environment"),
)
