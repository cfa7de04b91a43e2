"""Search over engines, machines, experiments and runs."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _

from engines.registry import ENGINES
from runs.models import Experiment, Machine, Run
from runs.pages.parts.rendering import Section, render_page
from runs.selectors.search import experiments_named, machines_named, runs_by_id
from runs.tables.table import TableCell
from runs.words.engines import engine_title

SECTION = Section("search")


# ---------------------------------------------------------------- search


def search(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("q", "").replace("\0", "").strip()[:100]
    return render_page(request, "search", SECTION, q=wanted, groups=_hits(wanted) if wanted else [])


def _hits(wanted: str) -> list[tuple[str, list[TableCell]]]:
    engines = [
        TableCell(info.title, url=reverse("engine", args=[slug]))
        for slug, info in ENGINES.items()
        if wanted.casefold() in f"{info.title} {slug} {info.abbreviation}".casefold()
    ]
    groups = [
        (_("Engines"), engines),
        (_("Machines"), machine_hits(machines_named(wanted))),
        (_("Experiments"), experiment_hits(experiments_named(wanted))),
        (_("Runs"), run_hits(runs_by_id(wanted))),
    ]
    return [(title, hits) for title, hits in groups if hits]


# ---------------------------------------------------------------- hits of a search


def machine_hits(machines: Sequence[Machine]) -> list[TableCell]:
    return [
        TableCell(found.name, url=reverse("machine", args=[found.pk]), title=str(found.hardware.get("cpu") or ""))
        for found in machines
    ]


def experiment_hits(experiments: Sequence[Experiment]) -> list[TableCell]:
    return [
        TableCell(found.name, url=reverse("experiment", args=[found.slug]), title=found.suite) for found in experiments
    ]


def run_hits(runs: Sequence[Run]) -> list[TableCell]:
    return [
        TableCell(
            str(found.run_id), url=found.get_absolute_url(), title=f"{engine_title(found.engine)}, {found.workload}"
        )
        for found in runs
    ]


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("search/", search, name="search"),)
