"""Samples a second over replicas: of one batch shared, and of a batch for each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from runs.charts import build
from runs.charts.build import Chart, Point, Series
from runs.charts.specs import Axis, ChartSpec
from runs.charts.style import guide_style
from runs.findings.alike import HELD_NAMES, held_values
from runs.findings.cells import CellRow
from runs.findings.choices import Select, selects
from runs.findings.replication import CHOICES, KINDS, Kind, ReplicaLine, Replication
from runs.pages.parts.asked import asked_cells, scope_query
from runs.pages.parts.cells import row_style
from runs.pages.parts.comparison import runs_query
from runs.pages.parts.rendering import Section, chart_url, render_page, table_url
from runs.pages.parts.scaling import grouped, point, time_cells, time_columns
from runs.selectors.scopes import Scope
from runs.tables.table import Column, Table, TableCell, in_order
from runs.words import numbers

SECTION = Section("threads")

_REPLICAS = Axis({"": gettext_noop("Replicas")}, scale="log", fixed_ticks=True)
_EFFICIENCY = Axis({"": gettext_noop("Efficiency")}, unit="%")
OWN_SPECS = (
    ChartSpec(
        "replicas-speed-up",
        gettext_noop("Speed-up of one batch shared"),
        x=_REPLICAS,
        y=Axis({"": gettext_noop("Samples a second over one replica's")}, unit="×", scale="log"),
        intervals=True,
        scales=("log",),
    ),
    ChartSpec(
        "replicas-strong",
        gettext_noop("Efficiency, one batch shared"),
        x=_REPLICAS,
        y=_EFFICIENCY,
        intervals=True,
    ),
    ChartSpec(
        "replicas-weak",
        gettext_noop("Efficiency, a batch for each"),
        x=_REPLICAS,
        y=_EFFICIENCY,
        intervals=True,
    ),
)
_SPECS = {spec.slug: spec for spec in OWN_SPECS}
_KIND_OF: dict[str, Kind] = {"replicas-weak": "weak"}


@dataclass(frozen=True)
class ReplicasPage:
    scope: Scope
    found: Replication

    def chart(self, slug: str) -> Chart:
        lines = self.found.of_kind(_KIND_OF.get(slug, "strong"))
        ideal = self._ideal(slug, lines)
        marks = (_("synthetic data"),) if self.found.picked.is_synthetic else ()
        note = f"{self.found.networks[self.found.network]} · {self.found.picked.conditions}" if lines else ""
        spec = _SPECS[slug]
        return Chart(spec, [self._series(slug, line) for line in lines] + ideal, spec.y.scale, note=note, marks=marks)

    def _series(self, slug: str, line: ReplicaLine) -> Series:
        is_gain = slug == "replicas-speed-up"
        points = [
            point(n, each.speed_up if is_gain else each.efficiency, 1.0 if is_gain else 100.0, self._url(line.cells[n]))
            for n, each in line.scaling.items()
        ]
        return Series(line.label, row_style(line.one), points)

    def _ideal(self, slug: str, lines: Iterable[ReplicaLine]) -> list[Series]:
        counts = sorted({n for line in lines for n in line.cells})
        at = [Point(n, n if slug == "replicas-speed-up" else 100.0) for n in counts]
        return [Series(_("Ideal"), guide_style(), at, radius=0)] if counts else []

    def _url(self, row: CellRow) -> str:
        return f"{reverse('runs')}?{scope_query(self.scope)}&{runs_query(row)}"

    # ------------------------------------------------------------ table

    @property
    def table(self) -> Table:
        columns = [
            Column(
                _("Engine"), sort="engine", exports=("engine", "network", "track", "device", "threads", *HELD_NAMES)
            ),
            Column(_("Batch"), sort="kind", exports=("scaling",)),
            Column(_("Replicas"), is_number=True, sort="replicas", exports=("of_replicas",)),
            *time_columns(),
        ]
        rows = [[self._row(line, n, row) for n, row in line.cells.items()] for line in self.found.lines]
        return grouped(_("Scaling over replicas"), columns, rows)

    def _row(self, line: ReplicaLine, n: int, row: CellRow) -> list[TableCell]:
        named = (line.label, str(row.network), row.track, row.device, row.threads)
        return [
            TableCell(line.label, style=row_style(line.one), values=(*named, *held_values(row))),
            TableCell(f"{numbers.count(row.batch_size)}, {_(KINDS[line.kind])}", values=(line.kind,)),
            TableCell(numbers.count(n), url=self._url(row), values=(n,)),
            *time_cells(row, line.scaling.get(n)),
        ]

    @property
    def selects(self) -> list[Select]:
        asked = {name: list(values) for name, values in self.found.wished.items()}
        own = Select("network", _("Network"), list(self.found.networks.items()), self.found.network)
        row = next(iter(self.found.picked.rows), None)
        return [own, *selects([(row.network_type, self.found.picked.facets)], asked)] if row else []


def asked_replicas(query: QueryDict, scope: Scope | None = None) -> ReplicasPage:
    scope, rows = asked_cells(query, scope=scope)
    wished = {name: query.getlist(name) for name in ("network", *(facet.name for facet in CHOICES))}
    return ReplicasPage(scope, Replication(rows, wished))


def replicas(request: HttpRequest) -> HttpResponse:
    page = asked_replicas(request.GET)
    query = request.GET.urlencode()
    charts = [page.chart(spec.slug) for spec in OWN_SPECS]
    return render_page(
        request,
        "replicas",
        SECTION,
        scope=page.scope,
        found=page.found,
        charts=[
            (chart, chart_url(chart.spec.slug, query), build.summary(chart), chart.spec.heading)
            for chart in charts
            if chart.series
        ],
        selects=page.selects,
        table=in_order(page.table, request.GET.get("sort", "")),
        csv_url=table_url("replicas", "csv", query),
        table_json_url=table_url("replicas", "json", query),
        is_synthetic=page.found.picked.is_synthetic,
    )


def replica_chart(slug: str, query: QueryDict) -> Chart:
    return asked_replicas(query).chart(slug)


def replica_table(query: QueryDict) -> Table:
    return asked_replicas(query).table


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("replicas/", replicas, name="replicas"),)
CHARTS = {spec.slug: partial(replica_chart, spec.slug) for spec in OWN_SPECS}
TABLES = {"replicas": replica_table}
