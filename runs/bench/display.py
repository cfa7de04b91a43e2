"""What a person sees of a running suite: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from engines import registry
from engines.contract import Cell
from engines.protocol import Event
from engines.run_record import RunRecord, StopReason
from runs.records.run_records import timed_seconds
from runs.suites.plan import Block, Plan, PlannedRun

USUAL_BATCH_SIZE = 100
_WHY_LEFT_OUT: dict[StopReason, str] = {
    "precise": "the ratios of their networks are precise",
    "out of budget": "they would end after the budget; the same command continues with them",
}


class Display:
    """Shows each result as it comes, and how much is left. `predict` gives the seconds of a planned run.

    Why something is unsupported is said once, and not here if it was `told` before: a suite has dozens of such runs.
    """

    def __init__(
        self, stream: TextIO, plan: Plan, predict: Callable[[PlannedRun], float], told: Iterable[str] = ()
    ) -> None:
        self.console = Console(file=stream, highlight=False, soft_wrap=True)
        self.left = {run: predict(run) for run in plan.runs}
        self.total = len(plan.runs)
        self.done = 0
        self.left_out: Counter[StopReason] = Counter()
        self.told = set(told)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]} left"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task: TaskID = self.progress.add_task("starting", total=self.total, left=duration(sum(self.left.values())))

    def __enter__(self) -> Display:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()
        for reason, blocks in self.left_out.items():
            noun = "block" if blocks == 1 else "blocks"
            self.console.print(f"Left out {blocks} {noun}: {_WHY_LEFT_OUT[reason]}.", markup=False)

    def on_event(self, planned: PlannedRun, event: Event) -> None:
        """Tell what the worker is at: compiling, or which epoch."""
        stage = "training" if event["event"] == "epoch" else event.get("name", "")
        self.progress.update(self.task, description=f"{title_of(planned)} · {stage}")

    def skip(self, block: Block, reason: StopReason) -> None:
        self.left_out[reason] += 1
        self.total -= len(block.runs)
        for run in block.runs:
            del self.left[run]
        self.progress.update(self.task, total=self.total, left=self._time_left)

    @property
    def _time_left(self) -> str:
        return duration(sum(self.left.values()))

    def show(self, record: RunRecord) -> None:
        self.done += 1
        planned = next(run for run in self.left if _is_of(run, record))
        del self.left[planned]
        left = self._time_left
        self.progress.update(self.task, advance=1, left=left)
        if record.status == "unsupported" and record.reason in self.told:
            return
        if record.status == "unsupported":
            self.told.add(record.reason)
        counter = "" if self.console.is_terminal else f"[{self.done}/{self.total}, {left} left] "
        self.console.print(f"{counter}{result_line(record)}", markup=False)


def _is_of(planned: PlannedRun, record: RunRecord) -> bool:
    return (planned.cell, planned.block, planned.release) == (record.cell, record.placement.block, release_of(record))


def release_of(record: RunRecord) -> str:
    """As the command line names it; empty for the one that comes with Benchsite."""
    return record.environment.name.partition("@")[2]


def title_of(planned: PlannedRun) -> str:
    engine = _engine_title(planned.cell, planned.release)
    return f"{engine} · {planned.cell.workload.network}{_task_words(planned.cell)}"


def _engine_title(cell: Cell, release: str) -> str:
    title = registry.find(cell.engine).title
    return f"{title} {release}" if release else title


def result_line(record: RunRecord) -> str:
    """'TensorFlow · MLP 8x25 · shuttle · CPU, 1 thread · block 1: 0.117 s per epoch'."""
    cell = record.cell
    dataset = cell.workload.dataset
    synthetic = " (synthetic)" if dataset.source == "synthetic" else ""
    threads = f"{cell.threads} thread{'s' if cell.threads > 1 else ''}"
    head = (
        f"{_engine_title(cell, release_of(record))} · {cell.workload.network}{_task_words(cell)} · "
        f"{dataset.name}{synthetic} · "
        f"{cell.device.upper()}, {threads}{_track_words(cell)} · block {record.placement.block + 1}"
    )
    return f"{head}: {_result_words(record)}"


def _result_words(record: RunRecord) -> str:
    """'0.117 s per epoch', '1.2 ms per call, 99 % within 1.5 ms', or why there is no time."""
    if record.inference:
        tail = record.inference.tail_seconds
        return f"{1e3 * record.inference.median_seconds:.3g} ms per call, 99 % within {1e3 * tail:.3g} ms"
    seconds = timed_seconds(record)
    return f"{seconds:.3g} s per epoch" if seconds else f"{record.status.replace('_', ' ')}. {record.reason}"


def _task_words(cell: Cell) -> str:
    return "" if cell.workload.task == "train" else ", inference"


def _track_words(cell: Cell) -> str:
    """What a line says beyond the usual: ', tuned', ', batch 1000'."""
    batch = "" if cell.workload.batch_size == USUAL_BATCH_SIZE else f", batch {cell.workload.batch_size}"
    replicas = "" if cell.workload.replicas == 1 else f", {cell.workload.replicas} replicas"
    return ("" if cell.track == "idiomatic" else f", {cell.track}") + batch + replicas


def duration(seconds: float) -> str:
    """'40 s', '12 min', '3 h 20 min', '2 d 4 h'."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if minutes < 90:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"


def status_counts(records: list[RunRecord]) -> str:
    """'12 finished, 4 unsupported'."""
    statuses = [record.status for record in records]
    return ", ".join(f"{statuses.count(status)} {status.replace('_', ' ')}" for status in dict.fromkeys(statuses))


def plan_lines(plan: Plan, summary: dict[str, Any]) -> list[str]:
    """The plan for people: each group of cells with its blocks, then the totals."""
    blocks = Counter(f"{_group_words(block)} · {_engine_words(block)}" for block in plan.blocks)
    measured = round(100 * summary["estimate_measured_share"])
    gate_seconds = summary["gate_seconds"]
    most = "at most " if plan.suite.is_adaptive else ""
    return [
        *(f"  {count} × {line}" for line, count in blocks.items()),
        f"{summary['cells']} cells, {summary['blocks']} blocks, {summary['runs']} runs, {summary['runs_left']} of them "
        f"left, {summary['runs_unsupported_here']} unsupported here.",
        f"Estimated time: {most}{duration(summary['estimated_seconds'])} ({measured} % of the runs from times measured "
        "here, the rest from their size).",
        *(
            [f"First the equivalence gate, about {duration(gate_seconds)}; a budget includes it."]
            if gate_seconds
            else []
        ),
    ]


def budget_lines(left: Plan, fitting: Sequence[Block], seconds: float) -> list[str]:
    """By the estimate: what of the plan's rest a budget has time for, in the order in which it will run."""
    wanted, found = (Counter(map(_group_words, blocks)) for blocks in (left.blocks, fitting))
    return [
        f"Within {duration(seconds)}, by this estimate, {len(fitting)} of {len(left.blocks)} blocks:",
        *(f"  {found[words]} of {count} blocks: {words}" for words, count in wanted.items() if found[words]),
    ]


def _group_words(block: Block) -> str:
    workload, device, threads = block.group
    count = f"{threads} thread{'s' if threads > 1 else ''}"
    task = "" if workload.task == "train" else "inference · "
    where = f"{device} · {count}" + ("" if workload.replicas == 1 else f" · {workload.replicas} replicas")
    return f"{task}{workload.network} · {workload.dataset.name} · {where} · batch {workload.batch_size}"


def _engine_words(block: Block) -> str:
    """'jax, jax tuned, torch'."""
    return ", ".join(
        sorted(
            " ".join(filter(None, [run.cell.engine, run.release, "tuned" if run.cell.track == "tuned" else ""]))
            for run in block.runs
        )
    )
