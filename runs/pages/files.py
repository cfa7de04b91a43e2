"""Charts as JSON, by django-chartjs, and tables as files. One mixin corrects what its own answer gets wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from chartjs.views.lines import BaseLineOptionsChartView
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path

from runs.charts import build
from runs.charts.build import Chart
from runs.pages.index import CHARTS, TABLES
from runs.tables import files
from runs.tables.table import Table


class ChartJSONMixin:
    """Fills django-chartjs' hooks from a built chart, and answers in clean JSON.

    Its own answer holds the view object's address, NaN that no browser parses, and NumPy numbers as text.
    """

    chart: Chart

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        kept = {name: context[name] for name in ("data", "options")}
        return {"type": "line", "summary": build.summary(self.chart), **kept}

    def get_labels(self) -> Sequence[float]:
        return build.labels(self.chart)

    def get_data(self) -> Sequence[Sequence[Mapping[str, Any]]]:
        return [build.points(series) for series in self.chart.series]

    def get_providers(self) -> Sequence[str]:
        return [series.label for series in self.chart.series]

    def get_dataset_options(self, index: int, color: object) -> Mapping[str, Any]:
        return build.look(self.chart.series[index])

    def get_options(self) -> Mapping[str, Any]:
        return build.options(self.chart)

    def convert_context_to_json(self, context: Mapping[str, Any]) -> str:
        return json.dumps(clean(context), allow_nan=False)


def clean(value: Any) -> Any:
    """Plain JSON values: numbers of any library as numbers, what is not finite as null."""
    if isinstance(value, Mapping):
        return {str(key): clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, Decimal):
        value = float(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


class BuiltChartView(ChartJSONMixin, BaseLineOptionsChartView):  # type: ignore[misc]
    """Of the chart that `as_view` is given."""

    chart: Chart = None  # type: ignore[assignment]


def document(built: Chart) -> dict[str, Any]:
    """A chart as Chart.js draws it: its type, summary, data and options, in plain JSON values."""
    found: dict[str, Any] = clean(BuiltChartView(chart=built).get_context_data())
    return found


def chart(request: HttpRequest, slug: str) -> HttpResponse | HttpResponseBase:
    if slug not in CHARTS:
        raise Http404(f"There is no chart {slug!r}. Known charts: {', '.join(CHARTS)}.")
    answer: HttpResponseBase = BuiltChartView.as_view(chart=CHARTS[slug](request.GET))(request)
    return answer


# ---------------------------------------------------------------- tables as files

_FORMATS: Mapping[str, tuple[Callable[[Table], str], str]] = {
    "csv": (files.as_csv, "text/csv; charset=utf-8"),
    "json": (files.as_json, "application/json"),
}


def table(request: HttpRequest, slug: str, form: str) -> HttpResponse:
    """A page's table as a file; the same code builds both."""
    if slug not in TABLES or form not in _FORMATS:
        raise Http404(f"There is no table {slug!r}. Known tables: {', '.join(TABLES)}.")
    write, content_type = _FORMATS[form]
    answer = HttpResponse(write(TABLES[slug](request.GET)), content_type=content_type)
    if form == "csv":
        answer["Content-Disposition"] = f'attachment; filename="{slug}.csv"'
    return answer


ROUTES = (
    path("charts/<slug:slug>.json", chart, name="chart"),
    path("tables/<slug:slug>.<slug:form>", table, name="table"),
)
