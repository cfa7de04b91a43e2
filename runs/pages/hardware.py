"""Which hardware: an experiment's machines side by side on one network, and every network's fastest machine."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from runs.charts.build import Chart, Point, Series
from runs.charts.specs import TIME, Axis, ChartSpec, Scale
from runs.charts.style import SeriesStyle, chip
from runs.findings.alike import HELD_NAMES, held_values
from runs.findings.cells import CellRow
from runs.findings.hardware import CHOICES, Best, Hardware, Standing, where
from runs.findings.lines import rival_words
from runs.pages.parts.cells import row_style, runs_cell
from runs.pages.parts.comparison import runs_url
from runs.pages.parts.measures import COSTED_EPOCHS
from runs.pages.parts.one_network import context
from runs.pages.parts.rendering import render_page, tab
from runs.selectors.cells import cells_on_every_machine
from runs.selectors.machines import Price, prices, region_of
from runs.selectors.scopes import Scope, asked_scope
from runs.tables.table import Column, Table, TableCell, Value, ratio_values
from runs.words import numbers
from runs.words.engines import engine_title
from runs.words.networks import named

SECTION = tab("hardware", gettext_noop("Hardware"))
SPEC = ChartSpec(
    "time-per-place",
    gettext_noop("Time per epoch on each machine"),
    x=Axis({"": gettext_noop("Machine, device and threads")}, fixed_ticks=True),
    y=TIME,
    intervals=True,
    scales=("log", "linear"),
)
OWN_SPECS = (SPEC,)


@dataclass(frozen=True)
class HardwarePage:
    scope: Scope
    found: Hardware
    prices: dict[int, Price]
    scale: str = "log"

    @property
    def title(self) -> str:
        return named(self.found.rows[0].network) if self.found.rows else ""

    @property
    def compared_by(self) -> str:
        return ", ".join(self.found.engines)

    # ------------------------------------------------------------ the chart

    @property
    def chart(self) -> Chart:
        series = [
            Series(rival_words(rows[0]), _style(rows[0]), [self._point(row) for row in rows], joined=False)
            for rows in self.found.by_engine.values()
        ]
        marks = (_("synthetic data"),) if self.found.picked.is_synthetic else ()
        note = self.found.picked.conditions
        words = [(float(at), place.words) for place, at in self.found.places.items()]
        scale: Scale = "linear" if self.scale == "linear" else "log"
        return Chart(SPEC, series, scale, note=note, marks=marks, x_words=words)

    def _point(self, row: CellRow) -> Point:
        found = row.estimate
        assert found, "only what has a time is compared"
        place = where(row)
        return Point(
            self.found.places[place], found.seconds, found.low, found.high, found.runs, self._url(row), place.words
        )

    def _url(self, row: CellRow) -> str:
        slug = self.scope.experiment.slug if self.scope.experiment else ""
        return runs_url(row, slug)

    # ------------------------------------------------------------ the tables

    @property
    def table(self) -> Table:
        columns = [
            Column(
                _("Machine"),
                sort="machine",
                exports=("machine_name", "device", "threads", "engine", "network", "track", *HELD_NAMES),
            ),
            Column(_("Fastest there"), sort="engine", exports=("fastest",)),
            Column(_("Time per epoch"), is_number=True, sort="seconds", exports=("seconds", "low", "high")),
            # xgettext:no-python-format
            Column(_("95 % interval"), is_number=True, exports=("interval",)),
            Column(_("To the fastest"), is_number=True, sort="ratio", exports=("ratio", "ratio_low", "ratio_high")),
            Column(_("Verdict"), sort="verdict", exports=("verdict",)),
            Column(_("1,000 epochs cost"), is_number=True, sort="cost", exports=("cost", "currency")),
            Column(_("Runs"), is_number=True, sort="runs", exports=("runs", "stalled")),
        ]
        return Table(_("Machines side by side"), columns, [self._row(each) for each in self.found.standings])

    def _row(self, standing: Standing) -> list[TableCell]:
        row, found = standing.row, standing.row.estimate
        what: tuple[Value, ...] = (row.machine, row.device, row.threads)
        cell: tuple[Value, ...] = (engine_title(row.engine), str(row.network), row.track)
        times = (found.seconds, found.low, found.high) if found else (None, None, None)
        url = reverse("machine", args=[row.machine_id])
        return [
            TableCell(standing.where.words, url=url, values=(*what, *cell, *held_values(row))),
            TableCell(rival_words(row), style=_style(row)),
            TableCell(numbers.seconds(times[0]), values=times),
            TableCell(numbers.interval(times[1], times[2])),
            TableCell(numbers.times(standing.ratio.value), values=ratio_values(standing.ratio)),
            TableCell(chip=chip(standing.verdict), values=(standing.verdict,)),
            self._cost(row),
            runs_cell(row, len(row.samples), self._url(row)),
        ]

    def _cost(self, row: CellRow) -> TableCell:
        cost, price = self.found.cost(row, COSTED_EPOCHS), self.prices.get(row.machine_id)
        if cost is None or price is None:
            return TableCell(numbers.NONE, values=(None, None))
        return TableCell(f"{numbers.digits(cost)} {price.currency}", values=(cost, price.currency))

    @property
    def bests(self) -> Table:
        columns = [
            Column(_("Network"), exports=("network", "data")),
            Column(_("Fastest machine"), exports=("place", "engine")),
            Column(_("Time per epoch"), is_number=True, exports=("seconds",)),
            Column(_("Next machine"), exports=("next_place", "next_engine")),
            Column(_("To the fastest"), is_number=True, exports=("ratio", "low", "high")),
            Column(_("Verdict"), exports=("verdict",)),
        ]
        return Table(_("The fastest machine of every network"), columns, [_best_row(best) for best in self.found.bests])


def _style(row: CellRow) -> SeriesStyle:
    """No line joins machines, so that none can be dashed: hollow is through Keras."""
    style = row_style(row)
    return replace(style, filled=not style.is_dashed)


def _best_row(best: Best) -> list[TableCell]:
    row, other = best.first.row, best.other
    seconds = row.estimate.seconds if row.estimate else None
    return [
        TableCell(named(row.network), small=row.data_label, values=(str(row.network), row.data_label)),
        _placed(best.first),
        TableCell(numbers.seconds(seconds), values=(seconds,)),
        _placed(other),
        TableCell(numbers.times(other.ratio.value), values=ratio_values(other.ratio)),
        TableCell(chip=chip(other.verdict), values=(other.verdict,)),
    ]


def _placed(standing: Standing) -> TableCell:
    name = rival_words(standing.row)
    return TableCell(standing.where.words, small=name, values=(standing.where.words, name))


# ---------------------------------------------------------------- hardware


def asked_hardware(query: QueryDict, scope: Scope | None = None) -> HardwarePage:
    scope = scope or asked_scope(query)
    cells = cells_on_every_machine(scope)
    wished = {facet.name: query.getlist(facet.name) for facet in CHOICES}
    known = prices({row.machine_id for row in cells})
    amounts = {machine: price.amount for machine, price in known.items()}
    found = Hardware(cells, wished, region_of(*scope.machines), amounts)
    return HardwarePage(scope, found, known, query.get("scale", "log"))


def hardware(request: HttpRequest) -> HttpResponse:
    page = asked_hardware(request.GET)
    charts = [page.chart] if page.found.rows else []
    shared = context(page.found.picked, charts, page.table, request.GET, slug="hardware", rope=page.found.rope)
    return render_page(request, "hardware", SECTION, scope=page.scope, found=page, across_machines=True, **shared)


def hardware_chart(query: QueryDict) -> Chart:
    return asked_hardware(query).chart


def hardware_table(query: QueryDict) -> Table:
    return asked_hardware(query).table


def bests_table(query: QueryDict) -> Table:
    return asked_hardware(query).bests


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("hardware/", hardware, name="hardware"),)
CHARTS = {SPEC.slug: hardware_chart}
TABLES = {"hardware": hardware_table, "hardware-bests": bests_table}
