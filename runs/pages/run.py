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
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from engines.run_record import QUANTILES, Energy
from runs.charts import build
from runs.charts.build import Chart, Point, Series
from runs.charts.specs import SPECS
from runs.charts.style import GUIDE_DASH, SeriesStyle, chip, guide_style, style_for
from runs.errors import RunsError
from runs.models import Run, Workload
from runs.pages.parts import profiles
from runs.pages.parts.lists import facts_table, time_words
from runs.pages.parts.rendering import Section, chart_url, render_page
from runs.selectors.runs import (
    runs_beside,
)
from runs.services import curation
from runs.tables.table import Table
from runs.words import numbers
from runs.words.cells import data_words, majority_words, task_words
from runs.words.engines import engine_title
from runs.words.facts import in_words
from runs.words.networks import named
from runs.words.reasons import reason_in_words

SECTION = Section("data", tab="runs")


PHASES: Mapping[str, str] = {
    "import_seconds": gettext_noop("Import of the framework"),
    "data_seconds": gettext_noop("Loading the data"),
    "build_seconds": gettext_noop("Building the network"),
    "compile_seconds": gettext_noop("Compiling"),
    "evaluation_seconds": gettext_noop("Evaluation"),
    "process_seconds": gettext_noop("Whole process"),
    "process_cpu_seconds": gettext_noop("Processor time of the process"),
}
DATA_SOURCES: Mapping[str, str] = {
    "shipped": gettext_noop("shipped with Benchsite"),
    "downloaded": gettext_noop("downloaded"),
    "imported": gettext_noop("imported from a file"),
    "synthetic": gettext_noop("synthetic"),
}


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


def phases_table(run: Run) -> Table:
    """Time outside the epochs; a phase that was not reached is left out."""
    phases = run.record.get("phases") or {}
    training = run.record.get("training") or {}
    facts = {_(words): numbers.seconds(phases[name]) for name, words in PHASES.items() if phases.get(name)}
    if epochs := training.get("epochs"):
        facts[_("First epoch")] = numbers.seconds(epochs[0]["wall_seconds"])
        facts[_("Median steady epoch")] = numbers.seconds(run.seconds)
    return facts_table(_("Phases"), facts, (_("Phase"), _("Time")))


def _accuracy(accuracy: float | None, dataset: str) -> str:
    beside = majority_words(dataset) if accuracy is not None else ""
    return numbers.percent(accuracy) + (f" ({beside})" if beside else "")


def _asked_table(run: Run, inference: Mapping[str, Any]) -> Table:
    """Of a run whose network was asked: how its calls' times are spread, and what they add up to."""
    spread = {
        _("{share} of the calls within").format(share=f"{100 * level:g} %"): numbers.milliseconds(seconds)
        for level, seconds in zip(QUANTILES, inference["quantiles"], strict=True)
        if level
    }
    rate = run.workload.batch_size / run.mean_seconds if run.mean_seconds else None
    facts = {
        _("Median call"): numbers.milliseconds(run.seconds),
        _("Samples per second"): numbers.NONE if rate is None else numbers.count(round(rate)),
        _("Calls timed"): numbers.count(inference["calls"]),
        _("Calls to warm up"): numbers.count(inference["warmup_calls"]),
        **spread,
        _("Parameters"): numbers.count(inference["parameters"]),
        _flops_title(run.workload): f"{numbers.digits(run.workload.flops / 1e9)} GFLOP",
        _("Throughput"): numbers.gflops_per_second(run.workload.flops, run.seconds),
        _("Threads used, observed"): _digits(inference["threads_observed"]),
        _("Peak memory"): numbers.gib(inference["peak_rss_bytes"]),
        _("Drift over the calls"): numbers.percent(inference.get("drift")),
    }
    if inference.get("peak_device_bytes"):
        facts[_("Peak memory on the GPU")] = numbers.gib(inference["peak_device_bytes"])
    return facts_table(_("Results"), facts)


def results_table(run: Run) -> Table:
    if inference := run.record.get("inference"):
        return _asked_table(run, inference)
    training = run.record.get("training") or {}
    conditions = run.record.get("conditions") or {}
    facts = {
        _("Test accuracy"): _accuracy(training.get("test_accuracy"), run.workload.dataset),
        _("Test loss"): _digits(training.get("test_loss")),
        _("Parameters"): numbers.count(training.get("parameters") or run.workload.parameters),
        _flops_title(run.workload): f"{numbers.digits(run.workload.flops / 1e9)} GFLOP",
        _("Throughput"): numbers.gflops_per_second(run.workload.flops, run.seconds),
        _("Share of the measured peak"): numbers.percent(_share_of_peak(run, conditions.get("peak_gflops"))),
        _("Threads used, observed"): _digits(training.get("threads_observed")),
        _("Peak memory"): numbers.gib(training.get("peak_rss_bytes")),
        _("Drift over the steady epochs"): numbers.percent(training.get("drift")),
        _("Samples shuffled by"): {"framework": _("the framework"), "harness": _("the harness")}.get(
            training.get("order_from", ""), numbers.NONE
        ),
    }
    if training.get("peak_device_bytes"):
        facts[_("Peak memory on the GPU")] = numbers.gib(training["peak_device_bytes"])
    if used := training.get("energy"):
        facts[_("Energy of an epoch")] = _energy_words(Energy(**used), run.seconds)
    return facts_table(_("Results"), facts if training else _known(facts))


def _energy_words(used: Energy, seconds: float | None) -> str:
    """With what was subtracted, and who counted."""
    whole = f"{numbers.digits(used.joules / used.seconds)} W"
    if used.watts is None or not seconds:
        return _("{watts} with the idle machine in it ({source})").format(watts=whole, source=used.source)
    return _("{joules}: {watts}, less {idle} of the idle machine ({source})").format(
        joules=f"{numbers.digits(used.watts * seconds)} J",
        watts=whole,
        idle=f"{numbers.digits(used.idle_watts or 0.0)} W",
        source=used.source,
    )


def _flops_title(workload: Workload) -> str:
    return _("FLOPs per epoch") if workload.task == "train" else _("FLOPs per call")


def _known(facts: Mapping[str, str]) -> dict[str, str]:
    """Of a run that trained nothing, a column of dashes would say less than its reason does."""
    return {name: value for name, value in facts.items() if value != numbers.NONE}


def _share_of_peak(run: Run, peak_gflops: float | None) -> float | None:
    if not peak_gflops or not run.seconds:
        return None
    workload: Workload = run.workload
    return workload.flops / run.seconds / 1e9 / peak_gflops


def _digits(value: float | None) -> str:
    return numbers.NONE if value is None else numbers.digits(value)


def placement_table(run: Run) -> Table:
    record = run.record
    code, placement = record.get("code") or {}, record.get("placement") or {}
    facts = {
        _("Block and position"): _("block {block}, position {position}").format(block=run.block, position=run.position),
        _("Suite and preset"): f"{placement.get('suite', numbers.NONE)}, {placement.get('preset', numbers.NONE)}",
        _("Seed"): str(placement.get("seed", numbers.NONE)),
        _("Task"): task_words(run.workload.task),
        **_training_facts(run.workload),
        _("Data source"): f"{_(DATA_SOURCES[run.workload.data_source])}, sha256 {run.workload.data_sha256[:16]}…",
        _("Code"): " ".join(
            [code.get("version", ""), code.get("commit", "")[:12], *([_("(changed)")] if code.get("dirty") else [])]
        ),
        _("Same work as the others"): _(record.get("equivalence") or "unverified"),
    }
    return facts_table(_("How it was placed"), facts)


def _training_facts(workload: Workload) -> dict[str, str]:
    """A network that is asked has no optimizer."""
    if workload.task != "train":
        return {_("Batch size"): numbers.count(workload.batch_size)}
    words = _("{optimizer}, rate {rate}, batch {batch}").format(
        optimizer=workload.optimizer, rate=f"{workload.learning_rate:g}", batch=workload.batch_size
    )
    return {_("Optimizer"): words}


def settings_table(run: Run) -> Table:
    result = run.record.get("training") or run.record.get("inference") or {}
    return facts_table(_("Settings of this track"), result.get("settings") or {}, (_("Setting"), _("Value")))


def conditions_table(run: Run) -> Table:
    conditions = run.record.get("conditions") or {}
    return facts_table(_("State of the machine"), conditions.get("readings") or {}, (_("Reading"), _("Value")))


def hardware_table(hardware: Mapping[str, Any]) -> Table:
    facts = {
        _("Processor"): hardware.get("cpu", numbers.NONE),
        _("Sockets, cores, threads"): ", ".join(
            str(hardware.get(name, "–")) for name in ("sockets", "cores", "threads")
        ),
        _("Memory"): numbers.gib(hardware.get("memory_bytes")),
        _("GPU"): ", ".join(hardware.get("gpus") or []) or _("none found"),
        _("System"): hardware.get("system") or numbers.NONE,
        **in_words(hardware.get("facts") or {}),
    }
    return facts_table(_("Hardware"), facts)


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
        tables=[
            table
            for table in (
                results_table(found),
                phases_table(found),
                placement_table(found),
                hardware_table(found.record.get("machine") or {}),
                settings_table(found),
                conditions_table(found),
            )
            if table.rows
        ],
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
