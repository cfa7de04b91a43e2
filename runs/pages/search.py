"""Find anything: networks, engines, machines, experiments, runs, figures, claims and terms."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext as _

from engines.networks import ARCHITECTURES
from engines.registry import ENGINES
from runs.findings.your_case import Size
from runs.models import Experiment, Machine, Run
from runs.pages.figures import figures, look_of
from runs.pages.parts.cases import address_of_case
from runs.pages.parts.rendering import Section, render_page
from runs.selectors.search import experiments_named, machines_named, runs_by_id
from runs.selectors.your_case import measured_sizes
from runs.study.published import published
from runs.tables.table import TableCell
from runs.words.engines import engine_title
from runs.words.glossary import CHAPTERS
from runs.words.networks import meaning, network_name, network_plural, network_title

SECTION = Section("search")
MOST_NETWORKS = 20


# ---------------------------------------------------------------- search


def search(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("q", "").replace("\0", "").strip()[:100]
    return render_page(request, "search", SECTION, q=wanted, groups=_hits(wanted) if wanted else [])


def _hits(wanted: str) -> list[tuple[str, list[TableCell]]]:
    engines = [
        TableCell(info.title, url=reverse("engine", args=[slug]))
        for slug, info in ENGINES.items()
        if _is_in(wanted, info.title, slug, info.abbreviation)
    ]
    groups = [
        (_("Networks"), network_hits(wanted, measured_sizes())),
        (_("Engines"), engines),
        (_("Machines"), machine_hits(machines_named(wanted))),
        (_("Experiments"), experiment_hits(experiments_named(wanted))),
        (_("Runs"), run_hits(runs_by_id(wanted))),
        (_("Figures"), figure_hits(wanted)),
        (_("Claims"), claim_hits(wanted)),
        (_("Glossary"), term_hits(wanted)),
    ]
    return [(title, hits) for title, hits in groups if hits]


def _is_in(wanted: str, *texts: str) -> bool:
    """Whether every word that is wanted begins a word of the texts."""
    begin = re.findall(r"[\w-]+", " ".join(texts).casefold())
    return all(any(word.startswith(part) for word in begin) for part in re.findall(r"[\w-]+", wanted.casefold()))


# ---------------------------------------------------------------- hits of a search


_SIZE = re.compile(r"(\d{1,3})\s*[x×*]\s*(\d{1,5})", re.IGNORECASE)
"""As it is written on pages and in commands: `8×100`, `8x100`."""


def network_hits(wanted: str, measured: Sequence[Size]) -> list[TableCell]:
    """Measured sizes, by their family's name, their size or both; one that was asked for whole is there in any case."""
    found = _SIZE.search(wanted)
    size = (int(found[1]), int(found[2])) if found else None
    family = _SIZE.sub(" ", wanted).replace(":", " ").strip()
    if not (size or family):
        return []
    hits = [
        each
        for each in measured
        if _is_in(family, network_title(each.network_type), network_plural(each.network_type))
        and size in (None, each[1:])
    ]
    asked = next((each for each in ARCHITECTURES if each == family.casefold()), None)
    if asked and size and not hits:
        hits = [Size(asked, *size)]
    return [
        TableCell(network_name(*each), url=address_of_case(each), title=meaning(*each)) for each in hits[:MOST_NETWORKS]
    ]


def figure_hits(wanted: str) -> list[TableCell]:
    return [
        TableCell(
            _("Figure {number}").format(number=each.number), url=reverse("figure", args=[each.slug]), title=each.title
        )
        for each in figures([], look_of({}))
        if _is_in(wanted.replace(".", "-"), _("Figure {number}").format(number=each.slug), each.title)
    ]


def claim_hits(wanted: str) -> list[TableCell]:
    told = {each.id: gettext(each.statement) for each in published().claims}
    return [
        TableCell(statement, url=reverse("claim", args=[slug]))
        for slug, statement in told.items()
        if _is_in(wanted, statement, slug)
    ]


def term_hits(wanted: str) -> list[TableCell]:
    terms = [term for chapter in CHAPTERS for term in chapter.terms if _is_in(wanted, term.title)]
    return [TableCell(term.title, url=f"{reverse('glossary')}#{term.slug}", title=term.words) for term in terms]


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
