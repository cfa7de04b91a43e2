"""Time, speed-up and efficiency over CPU threads, engine by engine, on one network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from engines.contract import Network
from runs.charts import build
from runs.charts.build import Chart, Point, Series
from runs.charts.specs import SPECS
from runs.charts.style import Chip, guide_style, publication_style
from runs.findings.alike import HELD_NAMES, Place, held_values, place
from runs.findings.cells import CellRow
from runs.findings.choices import Select, selects
from runs.findings.facets import FACETS_BY_NAME, Picked, network_slug, pick
from runs.findings.run_details import RunDetails
from runs.findings.scaling import Line, differing, lines, newest_lines
from runs.pages.parts.asked import asked_cells, scope_query
from runs.pages.parts.cells import row_style
from runs.pages.parts.comparison import runs_query
from runs.pages.parts.rendering import Section, chart_url, render_page, table_url
from runs.pages.parts.scaling import grouped, point, time_cells, time_columns
from runs.selectors.run_details import run_details
from runs.selectors.scopes import Scope
from runs.study.published import published
from runs.tables.table import Column, Table, TableCell, in_order
from runs.words import numbers
from runs.words.cells import threads_words

SECTION = Section("threads", gettext_noop("Threads"), "threads")


CHOICES = tuple(replace(FACETS_BY_NAME[name], multiple=False) for name in ("data", "batch"))
TOLERATED = 1.15
"""A run that used more than so many times the threads it was given is marked."""


@dataclass(frozen=True)
class ThreadScaling:
    """`cores` are the machine's physical ones, where it tells."""

    rows: Sequence[CellRow]
    wished: Mapping[str, Sequence[str]]
    """What is asked of `network`, `data` and `batch`."""
    cores: int | None = None
    scope_query: str = ""
    figures: Mapping[Place, Sequence[RunDetails]] | None = None

    @cached_property
    def networks(self) -> list[Network]:
        """Those measured with two thread counts at least; with most cells first, then with most FLOPs."""
        weights: dict[Network, tuple[int, int]] = {}
        for line in lines(self.rows):
            cells = weights.get(line.row.network, (0, 0))[0]
            weights[line.row.network] = (cells + len(line.cells), line.row.flops)
        return sorted(weights, key=lambda each: weights[each], reverse=True)

    @property
    def network(self) -> Network | None:
        asked = self.wished.get("network", ())
        return next((each for each in self.networks if network_slug(each) in asked), next(iter(self.networks), None))

    @property
    def network_choices(self) -> list[tuple[str, str]]:
        return [(network_slug(each), str(each)) for each in self.networks]

    @cached_property
    def picked(self) -> Picked:
        """The cells of one network, data set, batch size and optimizer."""
        own = [row for line in lines(self.rows) for row in line.cells.values() if row.network == self.network]
        return pick(own, self.wished, CHOICES)

    @cached_property
    def lines(self) -> list[Line]:
        return newest_lines(self.picked.rows)

    @property
    def differing(self) -> list[str]:
        """Of the network shown, or of all where none can be shown."""
        return differing([row for row in self.rows if self.network in (None, row.network)])

    @property
    def counts(self) -> list[int]:
        return sorted({threads for line in self.lines for threads in line.cells})

    @property
    def conditions(self) -> str:
        """What all lines share, in words."""
        return " · ".join(", ".join(facet.selected_labels) for facet in self.picked.facets)

    @property
    def is_synthetic(self) -> bool:
        return any(row.is_synthetic for line in self.lines for row in line.cells.values())

    # ------------------------------------------------------------ charts

    def chart(self, slug: str) -> Chart:
        makers = {"threads-time": self._times, "threads-speed-up": self._speed_ups}
        series = makers.get(slug, self._efficiencies)()
        spec = SPECS[slug]
        marks = (_("synthetic data"),) if self.is_synthetic else ()
        note = f"{self.network} · {self.conditions}" if self.network else ""
        return Chart(spec, series, spec.y.scale, note=note, marks=marks, verticals=self._core_mark)

    @property
    def _core_mark(self) -> list[tuple[float, str]]:
        if self.cores is None or not self.counts or not self.counts[0] <= self.cores <= self.counts[-1]:
            return []
        return [(self.cores, _("{n} physical cores").format(n=numbers.count(self.cores)))]

    def _times(self) -> list[Series]:
        return [
            self._series(line, {n: row.estimate for n, row in line.cells.items() if row.estimate}, 1.0)
            for line in self.lines
        ]

    def _speed_ups(self) -> list[Series]:
        found = [self._series(line, {n: each.speed_up for n, each in line.scaling.items()}, 1.0) for line in self.lines]
        return found + self._ideal(lambda threads: threads) + self._published("speedup", 1.0)

    def _efficiencies(self) -> list[Series]:
        found = [
            self._series(line, {n: each.efficiency for n, each in line.scaling.items()}, 100.0) for line in self.lines
        ]
        return found + self._ideal(lambda threads: 100.0) + self._published("efficiency", 100.0)

    def _series(self, line: Line, found: Mapping[int, Any], factor: float) -> Series:
        style = row_style(line.row)
        points = [point(n, value, factor, self._url(line.cells[n])) for n, value in found.items()]
        return Series(line.label, style, points)

    def _url(self, row: CellRow) -> str:
        return f"{reverse('runs')}?{self.scope_query}&{runs_query(row)}"

    def _ideal(self, of: Any) -> list[Series]:
        if not self.lines:
            return []
        return [Series(_("Ideal"), guide_style(), [Point(n, of(n)) for n in self.counts], radius=0)]

    def _published(self, quantity: str, factor: float) -> list[Series]:
        """The best case that the study reports, on its own machine."""
        network = self.network
        then = published().thread_scaling.get(network.type) if network else None
        if not network or not then or network.width <= then.wider_than:
            return []
        best = Point(then.threads, getattr(then, quantity) * factor)
        return [Series(_("Study, 2017: its best case"), publication_style(), [best], radius=6)]

    # ------------------------------------------------------------ table

    @property
    def table(self) -> Table:
        columns = [
            Column(_("Engine"), sort="engine", exports=("engine", "network", "track", *HELD_NAMES)),
            Column(_("Threads"), is_number=True, sort="threads", exports=("threads",)),
            *time_columns(),
            Column(_("Threads used"), is_number=True, exports=("threads_observed",)),
        ]
        rows = [[self._table_row(line, n, row) for n, row in line.cells.items()] for line in self.lines]
        return grouped(_("Scaling over CPU threads"), columns, rows)

    def _table_row(self, line: Line, threads: int, row: CellRow) -> list[TableCell]:
        values = (line.label, str(row.network), row.track, *held_values(row))
        return [
            TableCell(line.label, style=row_style(line.row), values=values),
            TableCell(numbers.count(threads), values=(threads,)),
            *time_cells(row, line.scaling.get(threads)),
            self._observed(row),
        ]

    def _observed(self, row: CellRow) -> TableCell:
        """What the process really used: processor time over wall time."""
        own = (self.figures or {}).get(place(row), ())
        used = [figures.threads_observed for figures in own if figures.threads_observed is not None]
        if not used:
            return TableCell(numbers.NONE, values=(None,))
        most = max(used)
        if most > TOLERATED * row.processors:
            words = _("It was given {asked} and used up to {used}.").format(
                asked=threads_words(row.processors), used=numbers.digits(most)
            )
            return TableCell(chip=Chip(numbers.digits(most), "warn"), title=words, values=(most,))
        return TableCell(numbers.digits(sum(used) / len(used)), values=(sum(used) / len(used),))


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
        SECTION,
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
    network = Select("network", _("Network"), found.network_choices, network_slug(found.network))
    return [network, *selects([(found.network.type, found.picked.facets)], asked)]


THREAD_CHARTS = ("threads-time", "threads-speed-up", "threads-efficiency")


def thread_chart(slug: str, query: QueryDict) -> Chart:
    return _asked_threads(query)[1].chart(slug)


def thread_table(query: QueryDict) -> Table:
    return _asked_threads(query, with_figures=True)[1].table


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("threads/", threads, name="threads"),)
CHARTS = {each: partial(thread_chart, each) for each in THREAD_CHARTS}
TABLES = {"threads": thread_table}
