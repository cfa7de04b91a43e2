"""Engines: the proof that they do the same work, their tracks, and how they are implemented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from engines.registry import ENGINES
from runs.charts.style import chip, style_for
from runs.pages.environments import environments_table
from runs.pages.parts.lists import counts, number_columns, runs_table, when
from runs.pages.parts.rendering import render_page, tab
from runs.pages.parts.tracks import docs_of, payoffs_of_engine
from runs.selectors import coverage
from runs.selectors.cells import environment_label
from runs.selectors.coverage import Extent, engine_slugs
from runs.selectors.runs import (
    Gated,
    environments_of_engine,
    latest_runs,
    newest_run_in_each,
    newest_run_of_each_track,
)
from runs.study.published import published
from runs.tables.table import Column, Table, TableCell, in_order
from runs.words import numbers
from runs.words.cells import task_words
from runs.words.engines import engine_title

SECTION = tab("engines", gettext_noop("Engines"))


def engines(request: HttpRequest) -> HttpResponse:
    slugs = list(dict.fromkeys([*ENGINES, *engine_slugs()]))
    extents = coverage.extents("engine", slugs)
    table = engines_table([(slug, extents[slug]) for slug in slugs])
    table = in_order(table, request.GET.get("sort", ""))
    return render_page(request, "list", SECTION, title=_("Engines"), table=table)


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
        SECTION,
        engine=found,
        gates=gates_table(slug, gated),
        tracks=tracks_table({track: run.record for track, run in tracks.items()}),
        payoffs=payoffs_of_engine(slug, tracks),
        tasks=[task_words(task) for task in found.tasks],
        has_docs=docs_of(slug) is not None,
        libraries_then=published().libraries_then.get(found.framework, {}),
        environments=environments_table(environments, extents),
        latest=runs_table(latest_runs(engine=slug), _("Its newest runs")),
    )


def engines_table(rows: Sequence[tuple[str, Extent]]) -> Table:
    columns = [
        Column(_("Engine"), sort="name"),
        Column(_("Short")),
        *number_columns(_("Cells"), _("Machines"), _("Experiments")),
    ]
    columns += [Column(_("Newest run"))]
    return Table(_("Engines"), columns, [_engine_row(slug, extent) for slug, extent in rows])


def _engine_row(slug: str, extent: Extent) -> list[TableCell]:
    info = ENGINES.get(slug)
    return [
        TableCell(engine_title(slug), url=reverse("engine", args=[slug]) if info else "", style=style_for(slug)),
        TableCell(info.abbreviation if info else numbers.NONE),
        *counts(extent, "cells", "machines", "experiments"),
        TableCell(when(extent.newest_run_at) if extent.newest_run_at else _("not run yet")),
    ]


# ---------------------------------------------------------------- an engine's proof and tracks


def gates_table(slug: str, gated: Sequence[Gated]) -> Table:
    """The equivalence verdict of each version, as the newest run in each environment bears it."""
    columns = [Column(_("Version")), Column(_("Track")), Column(_("Same work as the reference")), Column(_("Code"))]
    columns += [Column(_("Checked")), Column(_("Largest difference"), wraps=True)]
    return Table(_("Does it do the same work?"), columns, [_gate_row(slug, each) for each in gated])


def _gate_row(slug: str, each: Gated) -> list[TableCell]:
    record = each.run.record
    verdict = record.get("equivalence") or "unverified"
    code = record.get("code") or {}
    gate = record.get("gate") or {}
    return [
        TableCell(environment_label(each.environment, slug), url=reverse("environment", args=[each.environment.pk])),
        TableCell(_(each.run.track)),
        TableCell(chip=chip(verdict, "warn")),
        TableCell(str(code.get("engine_sha256") or code.get("commit") or numbers.NONE)[:12]),
        TableCell(when(each.run.finished_at)),
        TableCell("; ".join(f"{name}: {value}" for name, value in list(gate.items())[:3]) or numbers.NONE),
    ]


def tracks_table(tracks: Mapping[str, Mapping[str, Any]]) -> Table:
    """What each track sets, setting by setting; those that differ first."""
    results = {track: record.get("training") or record.get("inference") or {} for track, record in tracks.items()}
    settings = {track: result.get("settings") or {} for track, result in results.items()}
    names = list(dict.fromkeys(name for own in settings.values() for name in own))
    names.sort(key=lambda name: len({own.get(name) for own in settings.values()}) < 2)
    columns = [Column(_("Setting")), *(Column(_(track), wraps=True) for track in settings)]
    rows = [
        [TableCell(name), *(TableCell(str(own.get(name, numbers.NONE))) for own in settings.values())] for name in names
    ]
    return Table(_("What its tracks set"), columns, rows)


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (
    path("engines/", engines, name="engines"),
    path("engines/<slug:slug>/", engine, name="engine"),
)
