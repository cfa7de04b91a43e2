"""What the page about one run shows of its record, and its charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.http import Http404

from runs import formats
from runs.charts.build import Chart, Point, Series
from runs.charts.specs import SPECS
from runs.charts.style import style_for
from runs.models import Run
from runs.record_tables import facts_table
from runs.tables import Table

PHASES: Mapping[str, str] = {
    "import_seconds": "Import of the framework",
    "data_seconds": "Loading the data",
    "build_seconds": "Building the network",
    "compile_seconds": "Compiling",
    "evaluation_seconds": "Evaluation",
    "process_seconds": "Whole process",
    "process_cpu_seconds": "Processor time of the process",
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


def _run_chart(slug: str, run: Run, points: Sequence[Point]) -> Chart:
    workload = run.workload
    style = style_for(
        run.engine, network_type=workload.network_type, hidden_layers=workload.hidden_layers, track=run.track
    )
    series = [Series(run.engine_title, style, points)] if points else []
    marks = ("synthetic data",) if workload.is_synthetic else ()
    return Chart(SPECS[slug], series, "linear", workload.network_type, marks=marks)


def _epochs(run: Run) -> Sequence[Mapping[str, Any]]:
    return (run.record.get("training") or {}).get("epochs") or []


def phases_table(run: Run) -> Table:
    """Time outside the epochs; a phase that was not reached is left out."""
    phases = run.record.get("phases") or {}
    training = run.record.get("training") or {}
    facts = {words: formats.seconds(phases[name]) for name, words in PHASES.items() if phases.get(name)}
    if epochs := training.get("epochs"):
        facts["First epoch"] = formats.seconds(epochs[0]["wall_seconds"])
        facts["Median steady epoch"] = formats.seconds(run.epoch_seconds)
    return facts_table("Phases", facts, ("Phase", "Time"))


def results_table(run: Run) -> Table:
    training = run.record.get("training") or {}
    conditions = run.record.get("conditions") or {}
    facts = {
        "Test accuracy": formats.percent(training.get("test_accuracy")),
        "Test loss": _digits(training.get("test_loss")),
        "Parameters": formats.count(training.get("parameters") or run.workload.parameters),
        "FLOPs per epoch": f"{formats.digits(run.workload.flops_per_epoch / 1e9)} GFLOP",
        "Throughput": formats.gflops_per_second(run.workload.flops_per_epoch, run.epoch_seconds),
        "Share of the measured peak": formats.percent(_share_of_peak(run, conditions.get("peak_gflops"))),
        "Threads used, observed": _digits(training.get("threads_observed")),
        "Peak memory": formats.gib(training.get("peak_rss_bytes")),
        "Drift over the steady epochs": formats.percent(training.get("drift")),
        "Samples shuffled by": {"framework": "the framework", "harness": "the harness"}.get(
            training.get("order_from", ""), formats.NONE
        ),
    }
    return facts_table("Results", facts if training else _known(facts))


def _known(facts: Mapping[str, str]) -> dict[str, str]:
    """Of a run that trained nothing, a column of dashes would say less than its reason does."""
    return {name: value for name, value in facts.items() if value != formats.NONE}


def _share_of_peak(run: Run, peak_gflops: float | None) -> float | None:
    if not peak_gflops or not run.epoch_seconds:
        return None
    return run.workload.flops_per_epoch / run.epoch_seconds / 1e9 / peak_gflops


def _digits(value: float | None) -> str:
    return formats.NONE if value is None else formats.digits(value)


def placement_table(run: Run) -> Table:
    record = run.record
    code, placement = record.get("code") or {}, record.get("placement") or {}
    facts = {
        "Block and position": f"block {run.block}, position {run.position}",
        "Suite and preset": f"{placement.get('suite', formats.NONE)}, {placement.get('preset', formats.NONE)}",
        "Seed": str(placement.get("seed", formats.NONE)),
        "Optimizer": f"{run.workload.optimizer}, rate {run.workload.learning_rate:g}, batch {run.workload.batch_size}",
        "Data source": f"{run.workload.data_source}, sha256 {run.workload.data_sha256[:16]}…",
        "Code": f"{code.get('version', '')} {code.get('commit', '')[:12]}{' (changed)' if code.get('dirty') else ''}",
        "Same work as the others": record.get("equivalence") or "unverified",
    }
    return facts_table("How it was placed", facts)


def settings_table(run: Run) -> Table:
    training = run.record.get("training") or {}
    return facts_table("Settings of this track", training.get("settings") or {}, ("Setting", "Value"))


def conditions_table(run: Run) -> Table:
    conditions = run.record.get("conditions") or {}
    return facts_table("State of the machine", conditions.get("readings") or {}, ("Reading", "Value"))


def hardware_table(hardware: Mapping[str, Any]) -> Table:
    facts = {
        "Processor": hardware.get("cpu", formats.NONE),
        "Sockets, cores, threads": ", ".join(str(hardware.get(name, "–")) for name in ("sockets", "cores", "threads")),
        "Memory": formats.gib(hardware.get("memory_bytes")),
        "GPU": ", ".join(hardware.get("gpus") or []) or "none seen",
        "System": hardware.get("system") or formats.NONE,
        **(hardware.get("facts") or {}),
    }
    return facts_table("Hardware", facts)
