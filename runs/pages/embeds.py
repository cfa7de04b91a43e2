"""One chart for another page, to be shown there in a frame: the only pages that others may frame."""

from __future__ import annotations

from csp.decorators import csp_replace
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import path, reverse
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from runs.charts import build
from runs.pages.index import CHARTS, PAGE_OF_CHART
from runs.pages.parts.rendering import chart_url
from runs.selectors.scopes import Scope, asked_scope


@require_safe
@xframe_options_exempt
@csp_replace({"frame-ancestors": ["*"]})  # type: ignore[arg-type]  # its hint knows no arguments of addresses
def embed(request: HttpRequest, slug: str) -> HttpResponse:
    """The chart that has this address' query, with all that it takes to stand alone. It changes nothing."""
    if slug not in CHARTS:
        raise Http404(f"There is no chart {slug!r}. Known charts: {', '.join(CHARTS)}.")
    scope = _scope(request.GET)
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


def _scope(query: QueryDict) -> Scope | None:
    """Of what the frame was made for. Raises Http404 where that is gone or private: it never shows something else."""
    experiment, machine = query.get("experiment"), query.get("machine")
    if not experiment:
        return None
    found = asked_scope(query)
    if found.experiment is None or found.experiment.slug != experiment:
        raise Http404(f"There is no experiment {experiment!r} that you may see.")
    if machine and (found.machine is None or str(found.machine.pk) != machine):
        raise Http404(f"{found.experiment.name} has no machine {machine!r}.")
    return found


ROUTES = (path("embed/<slug:slug>/", embed, name="embed"),)
