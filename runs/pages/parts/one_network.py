"""What pages about one network share: its charts, its table's files, and what a reader may choose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import QueryDict

from runs.charts import build
from runs.charts.build import Chart
from runs.findings.choices import selects
from runs.findings.facets import Picked
from runs.pages.parts.rendering import chart_url, table_url
from runs.tables.table import Table, in_order
from runs.words import numbers


def context(
    picked: Picked, charts: Sequence[Chart], table: Table, query: QueryDict, *, slug: str, rope: float
) -> dict[str, Any]:
    """For the template; `slug` is the table's."""
    words = query.urlencode()
    asked = {name: query.getlist(name) for name in query}
    return {
        "charts": [
            (chart, chart_url(chart.spec.slug, words), build.summary(chart), chart.spec.heading) for chart in charts
        ],
        "selects": selects([(picked.network_type, picked.facets)], asked) if picked.network_type else [],
        "table": in_order(table, query.get("sort", "")),
        "csv_url": table_url(slug, "csv", words),
        "table_json_url": table_url(slug, "json", words),
        "is_synthetic": picked.is_synthetic,
        "tie_band": numbers.tie_band(rope),
    }
