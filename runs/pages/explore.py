"""Explore: an experiment's cells by any of what they differ in, as charts and as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import path
from django.utils.translation import gettext, gettext_noop

from runs.charts import build
from runs.charts.build import Chart
from runs.charts.specs import SCALES
from runs.findings.cells import CellRow
from runs.findings.facets import FACETS_BY_NAME, Choice, Facet, FacetState, Picked
from runs.findings.standings import Standing, standings
from runs.findings.tracks import in_any_track
from runs.pages.parts.comparison import (
    MOST_IN_ONE,
    PARTS,
    Extra,
    View,
    comparison_chart,
    comparison_table,
    for_the_page,
)
from runs.pages.parts.exploring import charts_by_machine, held_alike, intervals_of, picked_by, view_of
from runs.pages.parts.measures import ACROSS, MEASURES, rivals
from runs.pages.parts.rendering import Section, chart_url, render_page, table_url
from runs.pages.parts.selects import Option
from runs.pages.parts.tracks import documented, payoff_table
from runs.selectors.cells import cells_of
from runs.selectors.machines import region_of
from runs.selectors.scopes import Scope, asked_scope
from runs.stats import EQUIVALENCE
from runs.tables.table import Table, in_order
from runs.words import numbers
from runs.words.engines import engine_title

SECTION = Section("explore", gettext_noop("Explore"), "explore")


def explore(request: HttpRequest) -> HttpResponse:
    found = exploration(request.GET)
    query = request.GET.urlencode()
    charts = [
        (panel.chart, chart_url("time-per-epoch", panel.query), panel.label, panel.scope) for panel in found.panels
    ]
    return render_page(
        request,
        "explore",
        SECTION,
        found=found,
        scope=found.scope,
        charts=[
            (chart, address, build.summary(chart), label, scope)
            for chart, address, label, scope in charts
            or [(found.whole_chart, chart_url("time-per-epoch", query), "", found.scope)]
        ],
        table=for_the_page(found.table),
        tie_band=numbers.tie_band(found.rope),
        payoffs=payoff_table(found.scope, in_any_track(found.rows, found.picked.rows)),
        documented=documented(row.engine for row in found.picked.rows),
        json_url=chart_url("time-per-epoch", query),
        csv_url=table_url("comparison", "csv", query),
        table_json_url=table_url("comparison", "json", query),
    )


ALWAYS_OFFERED = frozenset({"network", "device", "engine"})
VERDICTS = ("best", "tie", "slower", "unresolved", "not enough runs")


@dataclass(frozen=True)
class OfferedFacet:
    """`only` are its choices, each with the address that picks it alone: empty where several cannot be picked."""

    state: FacetState
    all_query: str
    only: Sequence[tuple[Choice, str]]


@dataclass(frozen=True)
class Panel:
    """One of several small charts: the value of the facet that tells it from the others."""

    value: str
    label: str
    chart: Chart
    query: str
    scope: Scope


@dataclass(frozen=True)
class Exploration:
    query: QueryDict
    scope: Scope
    rows: Sequence[CellRow]
    """Every cell of the experiment on this machine, before any filter."""
    picked: Picked
    view: View
    rope: float = EQUIVALENCE

    @cached_property
    def chart(self) -> Chart:
        """The one chart, or the panel of it that is asked for."""
        whole = self.whole_chart
        asked = self.query.get("panel", "")
        if asked and self.is_by_machine:
            return next((panel.chart for panel in self.panels if panel.value == asked), whole)
        return self._panel_chart(asked) if asked and self.panel_facet else whole

    @cached_property
    def whole_chart(self) -> Chart:
        return comparison_chart(self.picked, self.view)

    @cached_property
    def all_standings(self) -> Sequence[Standing]:
        return standings(self.picked.rows, rope=self.rope)

    @cached_property
    def standings(self) -> Sequence[Standing]:
        found = self.all_standings
        wished = [verdict for verdict in self.query.getlist("verdict") if verdict in VERDICTS]
        return [standing for standing in found if standing.verdict in wished] if wished else found

    # ------------------------------------------------------------ filters

    @property
    def offered_facets(self) -> list[OfferedFacet]:
        """The filters worth offering: a single choice is none, nor are environments that are all shown."""
        worthy = [facet for facet in self.picked.facets if facet.name in ALWAYS_OFFERED or _offers_more(facet)]
        return [self._offered(facet) for facet in worthy]

    def _offered(self, facet: FacetState) -> OfferedFacet:
        everything = [choice.value for choice in facet.choices]
        can_be_several = facet.multiple and len(facet.choices) > 1
        only = [
            (choice, self._changed(**{facet.name: [choice.value]}) if can_be_several else "")
            for choice in facet.choices
        ]
        return OfferedFacet(facet, self._changed(**{facet.name: everything}), only)

    @property
    def verdicts(self) -> list[Choice]:
        wished = self.query.getlist("verdict")
        counts = Counter(standing.verdict for standing in self.all_standings)
        return [
            Choice(verdict, gettext(verdict), counts[verdict], verdict in wished)
            for verdict in VERDICTS
            if counts[verdict]
        ]

    # ------------------------------------------------------------ ways to show it

    @property
    def measures(self) -> list[Option]:
        return [
            Option(gettext(each.title), self._changed(y=[each.slug], scale=[]), each is self.view.measure)
            for each in MEASURES.values()
        ]

    @property
    def measure_choices(self) -> list[tuple[str, str, bool]]:
        return [(each.slug, gettext(each.title), each is self.view.measure) for each in MEASURES.values()]

    @property
    def across_choices(self) -> list[tuple[str, str, bool]]:
        return [(each.slug, gettext(each.title), each is self.view.across) for each in ACROSS.values()]

    @property
    def scales(self) -> list[Option]:
        words = {"log": gettext("Log"), "linear": gettext("Linear")}
        return [Option(words[each], self._changed(scale=[each]), each == self.view.scale) for each in SCALES]

    @property
    def interval_options(self) -> list[Option]:
        words = {"bars": gettext("Bars"), "bands": gettext("Bands"), "runs": gettext("Runs"), "none": gettext("None")}
        offered = intervals_of(self.view.measure)
        return [Option(words[each], self._changed(intervals=[each]), each == self.view.intervals) for each in offered]

    @property
    def panel_options(self) -> list[Option]:
        words = {"one": gettext("One chart")}
        if self.panel_facet:
            words["split"] = gettext("Small multiples")
        if len(self.scope.machines) > 1:
            words["machines"] = gettext("Machines")
        current = "machines" if self.is_by_machine else "split" if self.is_split else "one"
        return [Option(words[each], self._changed(panels=[each]), each == current) for each in words]

    @property
    def baselines(self) -> list[tuple[str, str, bool]]:
        engines = dict.fromkeys(row.engine for row in self.rows)
        return [(slug, engine_title(slug), slug == self.view.setting.baseline) for slug in engines]

    @property
    def lacking(self) -> str:
        """What a quantity with needs of its own lacks where nothing is drawn; empty for those that need times alone."""
        metered = gettext("The system did not let these runs read the hardware's counters of energy.")
        priced = gettext("Nobody said what an hour of this machine costs. Type: machines price NAME 0.35 EUR")
        return {"energy": metered, "power": metered, "cost": priced}.get(self.view.measure.slug, "")

    @property
    def wants_baseline(self) -> bool:
        return self.view.measure.slug == "speed-up"

    @property
    def wants_epochs(self) -> bool:
        return self.view.measure.slug == "total"

    def _changed(self, **changes: Sequence[str]) -> str:
        query = self.query.copy()
        for name, values in changes.items():
            query.setlist(name, list(values))
        query.pop("panel", None)
        return query.urlencode()

    # ------------------------------------------------------------ small multiples

    @cached_property
    def panel_facet(self) -> Facet | None:
        """The facet whose values make the panels: of those that differ, the one that makes fewest, but two at least."""
        names = [name for name in PARTS if name not in self.view.across.merges]
        counts = {name: len({FACETS_BY_NAME[name].value(row) for row in self.picked.rows}) for name in names}
        fitting = [name for name, count in counts.items() if 2 <= count <= 12]
        return FACETS_BY_NAME[min(fitting, key=lambda name: counts[name])] if fitting else None

    @property
    def is_by_machine(self) -> bool:
        return self.query.get("panels") == "machines" and len(self.scope.machines) > 1

    @property
    def is_split(self) -> bool:
        if not self.panel_facet or self.is_by_machine:
            return False
        asked = self.query.get("panels", "")
        return asked == "split" or (asked != "one" and len(self.whole_chart.series) > MOST_IN_ONE)

    @cached_property
    def panels(self) -> list[Panel]:
        if self.is_by_machine:
            return self._machine_panels()
        facet = self.panel_facet
        if not facet or not self.is_split:
            return []
        values = dict.fromkeys(facet.value(row) for row in sorted(self.picked.rows, key=facet.order))
        return [self._panel(value) for value in values]

    def _panel(self, value: str) -> Panel:
        query, chart = self.query.copy(), self._panel_chart(value)
        query["panel"] = value
        return Panel(value, chart.part, chart, query.urlencode(), self.scope)

    def _machine_panels(self) -> list[Panel]:
        """One for each machine that has any of what was picked, on scales that hold them all."""
        found = charts_by_machine(self.query, self.scope, self.picked)
        bounds = [point for _scope, chart in found for point in chart.points]
        return [self._machine_panel(scope, replace(chart, bounds=bounds)) for scope, chart in found]

    def _machine_panel(self, scope: Scope, chart: Chart) -> Panel:
        assert scope.machine is not None, "a chart is of a machine"
        part, value = f"{gettext('Machine')}: {scope.machine.name}", str(scope.machine.pk)
        query = self.query.copy()
        for name, values in {**held_alike(self.query, self.picked), "machine": [value], "panel": [value]}.items():
            query.setlist(name, values)
        return Panel(value, part, replace(chart, part=part), query.urlencode(), scope)

    def _panel_chart(self, value: str) -> Chart:
        facet = self.panel_facet
        assert facet is not None, "only what differs is parted"
        own = self.picked.only(facet.name, value)
        setting = replace(self.view.setting, rivals=rivals(self.picked.rows))
        view = replace(self.view, setting=setting, among=self.picked.rows, parted_by=facet.name)
        part = f"{gettext(facet.title)}: {facet.label(own.rows[0])}" if own.rows else ""
        return replace(comparison_chart(own, view), bounds=self.whole_chart.points, part=part)

    # ------------------------------------------------------------ the table

    @property
    def has_points(self) -> bool:
        return bool(self.whole_chart.points)

    @cached_property
    def table(self) -> Table:
        measure = self.view.measure
        title = "" if measure.slug == "seconds" else gettext(measure.title)
        table = comparison_table(
            self.standings,
            scope_query=self.view.scope_query,
            extras=[self._extra(standing.row) for standing in self.standings],
            measured=title,
        )
        return in_order(table, self.query.get("sort", ""))

    def _extra(self, row: CellRow) -> Extra:
        setting = replace(self.view.setting, rivals=rivals(self.picked.rows))
        y = self.view.measure.of(row, setting) if self.view.measure.slug != "seconds" else None
        share = MEASURES["peak"].of(row, setting)
        return Extra(
            y=(y.value, y.low, y.high) if y else None,
            unit=self.view.measure.axis.unit or self.view.setting.currency,
            share_of_peak=share.value / 100 if share else None,
        )


def exploration(query: QueryDict) -> Exploration:
    scope = asked_scope(query)
    rows = cells_of(scope)
    picked = picked_by(query, rows)
    return Exploration(query, scope, rows, picked, view_of(query, scope, rows, picked), region_of(*scope.measured_on))


def _offers_more(facet: FacetState) -> bool:
    if facet.name in {"environment", "code"}:
        return not facet.shows_all
    if facet.name == "release":  # each engine has its own: worth a choice where one has several
        return len({choice.value.partition(" ")[0] for choice in facet.choices}) < len(facet.choices)
    return len(facet.choices) > 1


def explore_chart(query: QueryDict) -> Chart:
    return exploration(query).chart


def explore_table(query: QueryDict) -> Table:
    return exploration(query).table


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("explore/", explore, name="explore"),)
CHARTS = {"time-per-epoch": explore_chart}
TABLES = {"comparison": explore_table}
