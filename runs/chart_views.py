"""The charts' JSON, by django-chartjs. One mixin mends what its own answer gets wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from chartjs.views.lines import BaseLineOptionsChartView
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from runs import run_pages
from runs.charts import build
from runs.charts.build import Chart
from runs.explore import exploration


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


class TimePerEpochView(ChartJSONMixin, BaseLineOptionsChartView):  # type: ignore[misc]
    def build_chart(self) -> Chart:
        return exploration(self.request.GET).chart


class EpochsView(ChartJSONMixin, BaseLineOptionsChartView):  # type: ignore[misc]
    def build_chart(self) -> Chart:
        return run_pages.epochs_chart(run_pages.run_asked_for(self.request.GET.get("run", "")))


class LossesView(ChartJSONMixin, BaseLineOptionsChartView):  # type: ignore[misc]
    def build_chart(self) -> Chart:
        return run_pages.losses_chart(run_pages.run_asked_for(self.request.GET.get("run", "")))


CHART_VIEWS: Mapping[str, type[BaseLineOptionsChartView]] = {
    "time-per-epoch": TimePerEpochView,
    "epochs": EpochsView,
    "losses": LossesView,
}


def chart(request: HttpRequest, slug: str) -> HttpResponse | HttpResponseBase:
    if slug not in CHART_VIEWS:
        raise Http404(f"There is no chart {slug!r}. Known charts: {', '.join(CHART_VIEWS)}.")
    answer: HttpResponseBase = CHART_VIEWS[slug].as_view()(request)
    return answer
