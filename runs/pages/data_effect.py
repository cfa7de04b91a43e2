"""What the data set changes: one network on several, per sample and per FLOP, each engine held against itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from runs.charts.build import Chart, Point, Series
from runs.charts.specs import Axis, ChartSpec
from runs.charts.style import chip
from runs.findings.alike import HELD_NAMES, held_values
from runs.findings.data_effect import CHOICES, DataEffect, OnData, flops_per_sample
from runs.findings.lines import rival_words
from runs.findings.standings import Standing
from runs.pages.parts.asked import asked_cells, scope_query
from runs.pages.parts.cells import row_style, runs_cell
from runs.pages.parts.comparison import runs_query
from runs.pages.parts.one_network import context
from runs.pages.parts.rendering import Section, render_page
from runs.selectors.machines import region_of
from runs.selectors.scopes import Scope
from runs.stats import Estimate, Ratio
from runs.tables.table import Column, Table, TableCell, Value, ratio_values
from runs.words import numbers
from runs.words.engines import engine_title
from runs.words.networks import named

SECTION = Section("data-sets", gettext_noop("Data sets"), "data-sets")

_WORK = Axis({"": gettext_noop("MFLOP per sample")}, scale="log", fixed_ticks=True)
OWN_SPECS = (
    ChartSpec(
        "time-per-sample",
        gettext_noop("Time per sample"),
        x=_WORK,
        y=Axis({"": gettext_noop("Time per sample")}, unit="µs", scale="log"),
        intervals=True,
        scales=("log",),
    ),
    ChartSpec(
        "time-per-flop",
        gettext_noop("Time per GFLOP"),
        x=_WORK,
        y=Axis({"": gettext_noop("Time per GFLOP")}, unit="ms", scale="log"),
        intervals=True,
        scales=("log",),
    ),
)
_SPECS = {spec.slug: spec for spec in OWN_SPECS}
_WHAT = ("network", "device", "threads", "track")
_PER_SAMPLE, _PER_GFLOP, _MEGA = 1e6, 1e12, 1e6
"""Seconds into microseconds; seconds per FLOP into milliseconds per GFLOP."""


@dataclass(frozen=True)
class DataPage:
    scope: Scope
    found: DataEffect

    @property
    def title(self) -> str:
        rows = self.found.picked.rows
        return named(rows[0].network) if rows else ""

    @property
    def reference(self) -> str:
        """The reference data, in words."""
        row = self.found.data.get(self.found.reference)
        return row.data_label if row else ""

    # ------------------------------------------------------------ charts

    def chart(self, slug: str) -> Chart:
        spec = _SPECS[slug]
        of: Callable[[OnData], Estimate | None] = (
            (lambda each: each.per_sample) if slug == "time-per-sample" else (lambda each: each.per_flop)
        )
        factor = _PER_SAMPLE if slug == "time-per-sample" else _PER_GFLOP
        marks = (_("synthetic data"),) if self.found.picked.is_synthetic else ()
        series = [self._series(line, of, factor) for line in self.found.lines]
        return Chart(
            spec, series, spec.y.scale, note=self.found.picked.conditions, marks=marks, verticals=self._data_marks
        )

    @property
    def _data_marks(self) -> list[tuple[float, str]]:
        """Where each data set stands: by the work of one sample."""
        names: dict[float, list[str]] = {}
        for row in self.found.data.values():
            names.setdefault(flops_per_sample(row) / _MEGA, []).append(row.dataset)
        return [(work, ", ".join(dict.fromkeys(found))) for work, found in names.items()]

    def _series(self, line: list[OnData], of: Callable[[OnData], Estimate | None], factor: float) -> Series:
        row = line[0].row
        points = [self._point(each, found, factor) for each in line if (found := of(each))]
        return Series(rival_words(row), row_style(row), points)

    def _point(self, each: OnData, found: Estimate, factor: float) -> Point:
        low, high = (None if bound is None else bound * factor for bound in (found.low, found.high))
        url = f"{reverse('runs')}?{scope_query(self.scope)}&{runs_query(each.row)}"
        return Point(flops_per_sample(each.row) / _MEGA, found.seconds * factor, low, high, found.runs, url)

    # ------------------------------------------------------------ the table

    @property
    def table(self) -> Table:
        columns = [
            Column(
                _("Engine"), sort="engine", exports=("engine", "network", "device", "threads", "track", *HELD_NAMES)
            ),
            Column(_("Data"), sort="data", exports=("data_label",)),
            Column(_("MFLOP per sample"), is_number=True, sort="work", exports=("flops_per_sample",)),
            Column(_("Time per sample"), is_number=True, sort="sample", exports=("seconds_per_sample", "low", "high")),
            Column(_("To its own"), is_number=True, sort="own", exports=("sample_ratio", "sample_low", "sample_high")),
            # xgettext:no-python-format
            Column(_("95 % interval"), is_number=True, exports=("sample_interval",)),
            Column("GFLOP/s", is_number=True, sort="gflops", exports=("gflops_per_second",)),
            Column(_("Per FLOP, to its own"), is_number=True, exports=("flop_ratio", "flop_low", "flop_high")),
            Column(_("To the fastest"), is_number=True, sort="ratio", exports=("ratio", "ratio_low", "ratio_high")),
            Column(_("Verdict"), sort="verdict", exports=("verdict",)),
            Column(_("Runs"), is_number=True, sort="runs", exports=("runs", "stalled")),
        ]
        by_cell = {id(each.row): each for line in self.found.lines for each in line}
        ordered = [each for group in self.found.standings.values() for each in group]
        keys = [standing.row.data_key for standing in ordered]
        starts = frozenset(at for at in range(1, len(keys)) if keys[at] != keys[at - 1])
        caption = _("One network on several data sets, the fastest first on each")
        rows = [self._row(standing, by_cell[id(standing.row)]) for standing in ordered]
        return Table(caption, columns, rows, group_starts=starts)

    def _row(self, standing: Standing, each: OnData) -> list[TableCell]:
        row = each.row
        what: tuple[Value, ...] = (engine_title(row.engine), str(row.network), row.device, row.threads, row.track)
        work, per_sample = flops_per_sample(row), each.per_sample
        rate = row.flops / row.estimate.seconds / 1e9 if row.estimate else None
        microseconds = per_sample.seconds * _PER_SAMPLE if per_sample else None
        times = (per_sample.seconds, per_sample.low, per_sample.high) if per_sample else (None, None, None)
        return [
            TableCell(rival_words(row), style=row_style(row), values=(*what, *held_values(row))),
            TableCell(row.data_label),
            TableCell(numbers.digits(work / _MEGA), values=(work,)),
            TableCell(numbers.with_unit(microseconds, "µs"), values=times),
            _own_cell(each.sample_ratio),
            TableCell(_interval_words(each.sample_ratio)),
            TableCell(numbers.with_unit(rate, ""), values=(rate,)),
            _own_cell(each.flop_ratio),
            TableCell(
                numbers.times(standing.ratio.value if standing.ratio else None), values=ratio_values(standing.ratio)
            ),
            TableCell(chip=chip(standing.verdict), title=standing.note, values=(standing.verdict,)),
            runs_cell(row, len(row.samples), f"{reverse('runs')}?{scope_query(self.scope)}&{runs_query(row)}"),
        ]


def _own_cell(found: Ratio | None) -> TableCell:
    """A ratio to the same engine on the reference data, with its interval."""
    if found is None:
        return TableCell(numbers.NONE, values=(None, None, None))
    return TableCell(numbers.times(found.value), title=_interval_words(found), values=ratio_values(found))


def _interval_words(found: Ratio | None) -> str:
    return numbers.interval(found.low, found.high, "×") if found else numbers.NONE


# ---------------------------------------------------------------- data sets


def asked_data(query: QueryDict, scope: Scope | None = None) -> DataPage:
    scope, cells = asked_cells(query, scope=scope)
    wished = {facet.name: query.getlist(facet.name) for facet in CHOICES}
    return DataPage(scope, DataEffect(cells, wished, rope=region_of(*scope.measured_on)))


def data_sets(request: HttpRequest) -> HttpResponse:
    page = asked_data(request.GET)
    charts = [page.chart(spec.slug) for spec in OWN_SPECS] if page.found.lines else []
    shared = context(page.found.picked, charts, page.table, request.GET, slug="data-sets", rope=page.found.rope)
    return render_page(request, "data_sets", SECTION, scope=page.scope, found=page, **shared)


def data_chart(slug: str, query: QueryDict) -> Chart:
    return asked_data(query).chart(slug)


def data_table(query: QueryDict) -> Table:
    return asked_data(query).table


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("data-sets/", data_sets, name="data-sets"),)
CHARTS = {spec.slug: partial(data_chart, spec.slug) for spec in OWN_SPECS}
TABLES = {"data-sets": data_table}
