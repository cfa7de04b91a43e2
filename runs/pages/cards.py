"""The picture that other sites show beside a link to a page: its first chart with all that makes it stand alone."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from runs.charts.build import Chart
from runs.charts.card import Words, card
from runs.pages.index import CHARTS
from runs.pages.parts.asked import pinned_scope
from runs.pages.parts.rendering import SITE_CARD, kept_for_visitors
from runs.selectors.scopes import Scope


@require_safe
@kept_for_visitors(seconds=300)
def chart_card(request: HttpRequest, slug: str) -> HttpResponse:
    """As a PNG, without the series that the address hides. It changes nothing."""
    if slug == SITE_CARD:
        return _png(card(_site_words(request)))
    if slug not in CHARTS:
        raise Http404(f"There is no chart {slug!r}. Known charts: {', '.join(CHARTS)}.")
    scope = pinned_scope(request.GET) if request.GET.get("experiment") else None
    chart = CHARTS[slug](request.GET)
    return _png(card(_words(request, chart, scope), _shown(chart, request)))


def _png(body: bytes) -> HttpResponse:
    return HttpResponse(body, content_type="image/png")


def _shown(chart: Chart, request: HttpRequest) -> Chart:
    hidden = set(request.GET.getlist("hide"))
    return chart.only(series for series in chart.series if series.label not in hidden) if hidden else chart


def _words(request: HttpRequest, chart: Chart, scope: Scope | None) -> Words:
    return Words(
        title=" · ".join(filter(None, (chart.spec.heading, chart.part))),
        note=chart.note if chart.points else _("Nothing has been measured yet."),
        marks=chart.marks,
        source=_source(request, scope),
        host=request.get_host(),
    )


def _source(request: HttpRequest, scope: Scope | None) -> str:
    """Experiment, machine where it is of one alone, and date."""
    if scope is None or scope.experiment is None:
        return ""
    machine = scope.machine.name if scope.machine and request.GET.get("machine") else ""
    return " · ".join(filter(None, (scope.experiment.name, machine, f"{scope.experiment.created_at:%Y-%m-%d}")))


def _site_words(request: HttpRequest) -> Words:
    return Words(
        title=_("Which framework should train your network?"),
        note=_("Measured on your own machines, with intervals and every run behind them."),
        host=request.get_host(),
    )


ROUTES = (path("cards/<slug:slug>.png", chart_card, name="card"),)
