"""What a run's record says, as tables: results, phases, placement, hardware, settings, conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from engines.run_record import QUANTILES, Energy
from runs.models import Run, Workload
from runs.pages.parts.lists import facts_table
from runs.tables.table import Table
from runs.words import numbers
from runs.words.cells import majority_words, task_words
from runs.words.facts import in_words

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
    shared = {_("Replicas"): numbers.count(workload.replicas)} if workload.replicas > 1 else {}
    return {_("Optimizer"): words, **shared}


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


def record_tables(run: Run) -> list[Table]:
    """Those that have something to say, in their order on the page."""
    tables = (
        results_table(run),
        phases_table(run),
        placement_table(run),
        hardware_table(run.record.get("machine") or {}),
        settings_table(run),
        conditions_table(run),
    )
    return [table for table in tables if table.rows]
