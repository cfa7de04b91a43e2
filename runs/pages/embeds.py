"""One chart for another page, to be shown there in a frame: the only pages that others may frame."""

from __future__ import annotations

from csp.decorators import csp_replace
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from runs.charts import build
from runs.pages.index import CHARTS, PAGE_OF_CHART
from runs.pages.parts.asked import pinned_scope
from runs.pages.parts.rendering import chart_url


@require_safe
@xframe_options_exempt
@csp_replace({"frame-ancestors": ["*"]})  # type: ignore[arg-type]  # its hint knows no arguments of addresses
def embed(request: HttpRequest, slug: str) -> HttpResponse:
    """The chart that has this address' query, with all that it takes to stand alone. It changes nothing."""
    if slug not in CHARTS:
        raise Http404(f"There is no chart {slug!r}. Known charts: {', '.join(CHARTS)}.")
    scope = pinned_scope(request.GET) if request.GET.get("experiment") else None
    chart, query = CHARTS[slug](request.GET), request.GET.urlencode()
    page = PAGE_OF_CHART.get(slug, "home")
    context = {
        "chart": chart,
        "chart_url": chart_url(slug, query),
        "summary": build.summary(chart),
        "label": " · ".join(filter(None, (chart.spec.heading, chart.part))),
        "scope": scope,
        "across_machines": not request.GET.get("machine"),
        "page_url": request.build_absolute_uri(f"{reverse(page)}?{query}" if query else reverse(page)),
    }
    return render(request, "runs/embed.html", context)


ROUTES = (path("embed/<slug:slug>/", embed, name="embed"),)
