"""Experiments, and how far each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from runs.models import Experiment
from runs.pages.machines import machines_table
from runs.pages.parts.lists import counts, keys, listed, number_columns, ordered, render_list, runs_table, when
from runs.pages.parts.rendering import render_page, tab
from runs.selectors import coverage
from runs.selectors.coverage import Extent
from runs.selectors.progress import progress_of
from runs.selectors.runs import latest_runs
from runs.selectors.scopes import machines_of, tasks_of
from runs.tables.table import Column, Table, TableCell

SECTION = tab("experiments", gettext_noop("Experiments"))


def experiments(request: HttpRequest) -> HttpResponse:
    orders = {"name": "name", "suite": "suite", "started": "created_at"}
    page = listed(request, ordered(Experiment.objects.all(), request, orders, ("name", "suite")))
    table = experiments_table(list(page), coverage.extents("experiment", keys(page)))
    return render_list(request, SECTION, page, table)


def experiment(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Experiment, slug=slug)
    machines = machines_of(found)
    extents = coverage.extents("machine", [machine.pk for machine in machines])
    return render_page(
        request,
        "experiment",
        SECTION,
        experiment=found,
        tasks=tasks_of(found),
        progress=progress_of(found),
        machines=machines_table(machines, extents),
        latest=runs_table(latest_runs(experiment=found), _("Its newest runs"), without="Experiment"),
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


def experiments_table(experiments: Sequence[Experiment], extents: Mapping[int, Extent]) -> Table:
    columns = [Column(_("Experiment"), sort="name"), Column(_("Suite"), sort="suite"), Column(_("Preset"))]
    columns += [*number_columns(_("Cells"), _("Engines"), _("Machines")), Column(_("Newest run"))]
    rows = [
        [
            TableCell(experiment.name, url=reverse("experiment", args=[experiment.slug])),
            TableCell(experiment.suite),
            TableCell(experiment.preset),
            *counts(extents[experiment.pk], "cells", "engines", "machines"),
            TableCell(when(extents[experiment.pk].newest_run_at)),
        ]
        for experiment in experiments
    ]
    return Table(_("Experiments, the newest first"), columns, rows)


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (
    path("experiments/", experiments, name="experiments"),
    path("experiments/<slug:slug>/", experiment, name="experiment"),
    path("experiments/<slug:slug>/progress.json", progress, name="progress"),
)
