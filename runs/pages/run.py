"""One run: its times, what it was, where and under what it ran."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from runs.charts import build
from runs.charts.build import Chart, Point, Series
from runs.charts.specs import SPECS
from runs.charts.style import GUIDE_DASH, SeriesStyle, chip, guide_style, style_for
from runs.errors import RunsError
from runs.models import Run
from runs.pages.parts import profiles
from runs.pages.parts.lists import time_words
from runs.pages.parts.record_tables import record_tables
from runs.pages.parts.rendering import Section, chart_url, render_page
from runs.selectors.runs import (
    runs_beside,
)
from runs.services import curation
from runs.words import numbers
from runs.words.cells import data_words
from runs.words.engines import engine_title
from runs.words.networks import named
from runs.words.reasons import reason_in_words

SECTION = Section("data", tab="runs")


def run_asked_for(run_id: str) -> Run:
    """Raises Http404 for what is no run's id."""
    try:
        return Run.objects.with_everything().get(run_id=UUID(run_id))
    except (ValueError, Run.DoesNotExist):
        raise Http404(f"There is no run {run_id[:36]!r}.") from None


def epochs_chart(run: Run) -> Chart:
    epochs = _epochs(run)
    points = [Point(index, epoch["wall_seconds"]) for index, epoch in enumerate(epochs, 1)]
    return _run_chart("epochs", run, points)


def losses_chart(run: Run) -> Chart:
    losses = [(index, epoch.get("loss")) for index, epoch in enumerate(_epochs(run), 1)]
    return _run_chart("losses", run, [Point(index, loss) for index, loss in losses if loss is not None])


def place_chart(run: Run) -> Chart:
    """The run among the finished runs of its cell, block by block."""
    beside = runs_beside(run)
    others = [each for each in beside if each.pk != run.pk and not each.is_excluded]
    left_out = [each for each in beside if each.is_excluded and each.pk != run.pk]
    own = [each for each in beside if each.pk == run.pk]
    if not own or len(beside) < 2:
        return _run_chart("place", run, [])
    style = _style(run)
    rest = replace(style, dash=GUIDE_DASH, filled=False, width=1.0)
    series = [
        Series(_("The cell's other runs"), rest, _blocks(others), joined=False),
        Series(_("This run"), replace(style, filled=True), _blocks(own), radius=7, joined=False),
    ]
    if left_out:
        series.append(Series(_("Excluded"), replace(guide_style(), has_marker=True), _blocks(left_out), joined=False))
    return Chart(SPECS["place"], [each for each in series if each.points], "linear", from_zero=False)


def _blocks(runs: Sequence[Run]) -> list[Point]:
    return [Point(run.block, run.seconds or 0.0, url=run.get_absolute_url()) for run in runs]


def place_words(run: Run, chart: Chart) -> str:
    """Where the run stands in its cell, as `3rd fastest of 7` says it."""
    times = sorted(point.y for series in chart.series for point in series.points)
    if run.seconds not in times:
        return ""
    return _("place {place} of {all} in its cell, the fastest first").format(
        place=numbers.count(times.index(run.seconds) + 1), all=numbers.count(len(times))
    )


def _style(run: Run) -> SeriesStyle:
    workload = run.workload
    return style_for(
        run.engine, network_type=workload.network_type, hidden_layers=workload.hidden_layers, track=run.track
    )


def data_of(run: Run) -> str:
    """What it trained on; of a network that is asked, what it was asked about, and how many samples at a time."""
    workload = run.workload
    if workload.task == "train":
        return data_words(workload.dataset, workload.train_samples, is_synthetic=workload.is_synthetic)
    data = data_words(workload.dataset, workload.test_samples, is_synthetic=workload.is_synthetic)
    batch = _("batch {n}").format(n=numbers.count(workload.batch_size))
    return f"{data}, {batch}"


def unstable_reasons(run: Run) -> list[str]:
    """Why the run's block is marked unstable; empty if it is not."""
    return [reason_in_words(str(reason)) for reason in (run.record.get("conditions") or {}).get("unstable") or []]


def _run_chart(slug: str, run: Run, points: Sequence[Point]) -> Chart:
    workload = run.workload
    series = [Series(engine_title(run.engine), _style(run), points)] if points else []
    marks = (_("synthetic data"),) if workload.is_synthetic else ()
    return Chart(SPECS[slug], series, "linear", workload.network_type, marks=marks)


def _epochs(run: Run) -> Sequence[Mapping[str, Any]]:
    return (run.record.get("training") or {}).get("epochs") or []


def run(request: HttpRequest, run_id: str, problem: str = "") -> HttpResponse:
    found = run_asked_for(str(run_id))
    query = urlencode({"run": found.run_id})
    place = place_chart(found)
    charts = [chart for chart in (epochs_chart(found), losses_chart(found), place) if chart.points]
    return render_page(
        request,
        "run",
        SECTION,
        run=found,
        title=engine_title(found.engine),
        network=named(found.workload.network),
        problem=problem,
        may_exclude=_may_exclude(request, found),
        place=place_words(found, place),
        data=data_of(found),
        why_not=reason_in_words(found.reason),
        unstable=unstable_reasons(found),
        status=chip(found.status, "bad"),
        headline=time_words(found),
        charts=[(chart, chart_url(chart.spec.slug, query), build.summary(chart)) for chart in charts],
        profile=profiles.profile_beside(found),
        tables=record_tables(found),
    )


def _may_exclude(request: HttpRequest, found: Run) -> bool:
    user = request.user
    return user.is_authenticated and (user.is_staff or found.machine.owner_id == user.pk)


@require_POST
def exclusion(request: HttpRequest, run_id: str) -> HttpResponse:
    """Excludes a run, or restores it, with the reason that its page's form gives."""
    if not request.user.is_authenticated:
        return redirect_to_login(reverse("run", args=[run_id]), reverse("sign-in"))
    act = curation.restore_run if request.POST.get("act") == "restore" else curation.exclude_run
    try:
        act(run_id=str(run_id), reason=request.POST.get("reason", ""), by=request.user)
    except RunsError as error:
        answer = run(request, run_id, problem=str(error))
        answer.status_code = 400
        return answer
    return redirect("run", run_id=run_id)


def _of_run(builder: Callable[[Run], Chart]) -> Callable[[QueryDict], Chart]:
    return lambda query: builder(run_asked_for(query.get("run", "")))


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (
    path("runs/<uuid:run_id>/", run, name="run"),
    path("runs/<uuid:run_id>/exclusion/", exclusion, name="exclusion"),
)
CHARTS = {"epochs": _of_run(epochs_chart), "losses": _of_run(losses_chart), "place": _of_run(place_chart)}
