"""Which pages there are, in the navigation's order. Each declares its ROUTES, and where it has them its SECTION, CHARTS
and TABLES; addresses, navigation, charts, files, the load benchmark and the tests read them here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from types import ModuleType

from django.http import QueryDict
from django.urls import URLPattern

from runs.charts import specs
from runs.charts.build import Chart
from runs.charts.specs import ChartSpec
from runs.pages import (
    about,
    accounts,
    changes,
    claims,
    compare,
    coverage,
    data_effect,
    engines,
    environments,
    experiments,
    explore,
    feeds,
    figures,
    fleet,
    glossary,
    hardware,
    health,
    history,
    home,
    inference,
    machines,
    notes,
    recommendation,
    replicas,
    run,
    runs,
    search,
    speed_ups,
    threads,
    your_case,
)
from runs.pages.parts.rendering import DATA, Section
from runs.tables.table import Table

PAGES: tuple[ModuleType, ...] = (
    *(home, figures, explore, speed_ups, threads, replicas, data_effect, inference, history, changes),
    *(claims, compare, recommendation, your_case),
    *(runs, run, experiments, coverage, machines, hardware, environments, engines, fleet, notes),
    *(about, glossary, search, accounts, feeds, health),
)
ROUTES: tuple[URLPattern, ...] = tuple(chain.from_iterable(page.ROUTES for page in PAGES))
CHARTS: Mapping[str, Callable[[QueryDict], Chart]] = {
    slug: build for page in PAGES for slug, build in getattr(page, "CHARTS", {}).items()
}
PAGE_OF_CHART: Mapping[str, str] = {
    slug: str(page.ROUTES[0].name)
    for page in PAGES
    for slug in getattr(page, "CHARTS", {})
    if not page.ROUTES[0].pattern.converters
}
"""The name of the address of the page that shows a chart, where that needs no argument."""
TABLES: Mapping[str, Callable[[QueryDict], Table]] = {
    slug: build for page in PAGES for slug, build in getattr(page, "TABLES", {}).items()
}
SPECS: Mapping[str, ChartSpec] = {
    **specs.SPECS,
    **{spec.slug: spec for page in PAGES for spec in getattr(page, "OWN_SPECS", ())},
}
"""Of the charts that several pages share, and of those that a page declares for itself."""
_SECTIONS: tuple[Section, ...] = tuple(page.SECTION for page in PAGES if hasattr(page, "SECTION"))
SECTIONS = (*(section for section in _SECTIONS if section.title and not section.tab), DATA)
"""The main navigation."""
TABS = tuple(section for section in _SECTIONS if section.title and section.tab)
"""The navigation under Data."""
PLAIN: tuple[str, ...] = tuple(
    str(route.name)
    for page in PAGES
    if hasattr(page, "SECTION")
    for route in page.ROUTES
    if not route.pattern.converters
)
"""Names of the addresses of pages that need no argument: what tests and the load benchmark visit."""
