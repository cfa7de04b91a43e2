"""What the comparison chart shows for a query string: the page and its JSON twin share this look-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from django.http import QueryDict

from runs import comparison, selectors
from runs.cells import FACETS, FacetState, Picked, pick
from runs.charts.build import Chart
from runs.charts.specs import SPECS, Scale

ALWAYS_OFFERED = frozenset({"network", "device", "engine"})


@dataclass(frozen=True)
class Exploration:
    scope: selectors.Scope
    picked: Picked
    scale: Scale
    cells: int
    """How many cells the experiment has on this machine, before any filter."""

    @cached_property
    def chart(self) -> Chart:
        return comparison.time_per_epoch(self.picked, self.scale)

    @cached_property
    def standings(self) -> Sequence[comparison.Standing]:
        return comparison.standings(self.picked.rows)

    @property
    def offered_facets(self) -> list[FacetState]:
        """The filters worth offering: a single choice is none, nor are environments that are all shown."""
        return [facet for facet in self.picked.facets if facet.name in ALWAYS_OFFERED or _offers_more(facet)]

    @property
    def has_points(self) -> bool:
        return bool(self.chart.points)

    @property
    def scales(self) -> Sequence[Scale]:
        return SPECS["time-per-epoch"].scales


def exploration(query: QueryDict) -> Exploration:
    scope = selectors.scope(query.get("experiment", ""), query.get("machine", ""))
    rows = selectors.cells_of(scope)
    picked = pick(rows, {facet.name: query.getlist(facet.name) for facet in FACETS})
    return Exploration(scope, picked, _scale(query.get("scale", "")), len(rows))


def _offers_more(facet: FacetState) -> bool:
    if facet.name == "environment":
        return not all(choice.selected for choice in facet.choices)
    return len(facet.choices) > 1


def _scale(asked: str) -> Scale:
    scales = SPECS["time-per-epoch"].scales
    return next((scale for scale in scales if scale == asked), scales[0])
