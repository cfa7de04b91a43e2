"""Charts as JSON, by django-chartjs, and tables as files. One mixin mends what its own answer gets wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from chartjs.views.lines import BaseLineOptionsChartView
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase

from runs.charts import build
from runs.charts.build import Chart
from runs.models import Run
from runs.pages import machines, run, speed_ups
from runs.pages.claims import claim_table, claims_table
from runs.pages.compare import compare_table
from runs.pages.explore import exploration
from runs.pages.figures import figure_chart, figure_table
from runs.pages.recommendation import recommendation_table
from runs.pages.threads import THREAD_CHARTS, thread_chart, thread_table
from runs.tables import files
from runs.tables.table import Table


class ChartJSONMixin:
    """Fills django-chartjs' hooks from a built chart, and answers in clean JSON.

    Its own answer holds the view object's address, NaN that no browser parses, and NumPy numbers as text.
    """

    request: HttpRequest

    def build_chart(self) -> Chart:
        raise NotImplementedError

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.chart = self.build_chart()
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
    """The chart that `builder` makes of the query string."""

    builder: Callable[[QueryDict], Chart] | None = None

    def build_chart(self) -> Chart:
        assert self.builder is not None, "as_view() is given one"
        return self.builder(self.request.GET)


def _of_run(builder: Callable[[Run], Chart]) -> Callable[[QueryDict], Chart]:
    return lambda query: builder(run.run_asked_for(query.get("run", "")))


CHARTS: Mapping[str, Callable[[QueryDict], Chart]] = {
    "time-per-epoch": lambda query: exploration(query).chart,
    "epochs": _of_run(run.epochs_chart),
    "losses": _of_run(run.losses_chart),
    "place": _of_run(run.place_chart),
    "stability": lambda query: machines.stability_of(machines.machine_asked_for(query.get("machine", ""))).chart,
    "figure": figure_chart,
    **{slug: partial(thread_chart, slug) for slug in THREAD_CHARTS},
}


def chart(request: HttpRequest, slug: str) -> HttpResponse | HttpResponseBase:
    if slug not in CHARTS:
        raise Http404(f"There is no chart {slug!r}. Known charts: {', '.join(CHARTS)}.")
    answer: HttpResponseBase = BuiltChartView.as_view(builder=CHARTS[slug])(request)
    return answer


# ---------------------------------------------------------------- tables as files

TABLES: Mapping[str, Callable[[QueryDict], Table]] = {
    "comparison": lambda query: exploration(query).table,
    "figure": figure_table,
    "threads": thread_table,
    "claims": claims_table,
    "claim": claim_table,
    "compare": compare_table,
    "recommendation": recommendation_table,
    "speed-ups": speed_ups.speed_up_export,
}
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
