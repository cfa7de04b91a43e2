"""The page of the GPU/CPU speed-ups, its files, and the same tables on the home page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from django.http import HttpRequest, HttpResponse, QueryDict

from engines.contract import NetworkType
from runs.findings.cells import CellRow
from runs.findings.choices import Select, selects
from runs.findings.speed_ups import CHOICES, Measured, SpeedUps, measured_speed_ups
from runs.models import PublishedSpeedUp
from runs.pages.parts.rendering import render_page, table_url
from runs.pages.parts.selects import gpu_machine_select
from runs.selectors.cells import cells_of
from runs.selectors.run_details import run_details
from runs.selectors.scopes import Scope, asked_scope, with_both_devices
from runs.selectors.study import published_speed_ups
from runs.speed_ups import break_even_table, measured_table, speed_up_table
from runs.study.published import published
from runs.tables.table import Table

_NETWORKS: tuple[NetworkType, ...] = ("mlp", "cnn")


@dataclass(frozen=True)
class FoundSpeedUps:
    """`scope` names the machine of each device."""

    scope: Scope
    by_network: Mapping[NetworkType, SpeedUps]

    @property
    def pairs(self) -> list[Measured]:
        return [each for found in self.by_network.values() for each in found.pairs]

    @property
    def differing(self) -> list[str]:
        return [words for found in self.by_network.values() for words in found.differing]

    @cached_property
    def _published(self) -> Mapping[NetworkType, list[PublishedSpeedUp]]:
        return published_speed_ups()

    @cached_property
    def heat_tables(self) -> list[Table]:
        values = self._published
        return [speed_up_table(found, values[network]) for network, found in self.by_network.items()]

    @cached_property
    def measured_tables(self) -> list[Table]:
        values = self._published
        return [measured_table(found, values[network]) for network, found in self.by_network.items()]


def found_speed_ups(scope: Scope, query: QueryDict, cells: Sequence[CellRow] | None = None) -> FoundSpeedUps:
    """`cells` are the scope's, where they are at hand; read again only if another machine has a device's times."""
    both = with_both_devices(scope)
    rows = cells_of(both) if cells is None or both is not scope else cells
    wished = {facet.name: query.getlist(facet.name) for facet in CHOICES}
    return FoundSpeedUps(both, {network: measured_speed_ups(rows, network, wished) for network in _NETWORKS})


def speed_up_page(request: HttpRequest) -> HttpResponse:
    found = found_speed_ups(asked_scope(request.GET), request.GET)
    figures = run_details(found.scope, [row for each in found.pairs for row in (each.before, each.after)])
    query = request.GET.urlencode()
    return render_page(
        request,
        "speed_ups",
        "speed-ups",
        scope=found.scope,
        selects=_selects(found, request.GET),
        found=found,
        heat_tables=found.heat_tables,
        measured_tables=[table for table in found.measured_tables if table.rows],
        break_even=break_even_table(found.pairs, figures),
        machines_then=published().machines,
        csv_url=table_url("speed-ups", "csv", query),
        table_json_url=table_url("speed-ups", "json", query),
        is_synthetic=any(each.after.is_synthetic for each in found.pairs),
    )


def _selects(found: FoundSpeedUps, query: QueryDict) -> list[Select]:
    asked = {name: query.getlist(name) for name in query}
    return [
        *gpu_machine_select(found.scope),
        *selects([(network, each.facets) for network, each in found.by_network.items()], asked),
    ]


def speed_up_export(query: QueryDict) -> Table:
    """Both networks' measured speed-ups."""
    made = found_speed_ups(asked_scope(query), query).measured_tables
    return replace(made[0], rows=[row for table in made for row in table.rows])
