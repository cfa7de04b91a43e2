"""How long a plan will take on this machine: from what its cells took before, else from others like them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median, median_low

from engines import networks
from engines.contract import Cell, Device, NetworkType, Task, Track
from runs.records.outlines import Outline
from runs.suites.plan import Block, Plan, PlannedRun
from runs.suites.suite import Suite

Kind = tuple[str, Track, NetworkType, Task, Device, int]
"""Engine, track, type of network, task, device and replicas: such cells start alike, and are about as fast for their
size."""

# Rough figures for what has not run here yet. Seconds of a run beside its epochs or calls, once compiled:
_OVERHEAD_SECONDS = {"theano": 7.0, "jax": 3.0, "torch": 5.0, "keras-theano": 9.0}
_USUAL_OVERHEAD_SECONDS = 6.0
# and more in a cell's first run, of those that keep on the disk what they compile:
_FIRST_COMPILE_SECONDS: dict[tuple[str, Track], float] = {
    ("theano", "idiomatic"): 25.0,
    ("theano", "tuned"): 25.0,
    ("torch", "tuned"): 30.0,
    ("keras-torch", "tuned"): 30.0,
}
_COMPILE_NO_IMAGES = frozenset({"torch", "keras-torch"})
# The rate within epochs and calls, and each step's own time.
_USUAL_GFLOPS = 30.0
_STEP_SECONDS = {"keras-torch": 3e-3}
_USUAL_STEP_SECONDS = 2e-4
_CANARY_SECONDS = 1.5


@dataclass(frozen=True)
class Estimate:
    """`measured_share` is the share of the runs whose cell was measured here before."""

    seconds: float
    measured_share: float


@dataclass
class _Experience:
    """Of a kind's finished runs: seconds beside usual epochs, and how many times the rough figure an epoch took."""

    overheads: list[float] = field(default_factory=list)
    paces: list[float] = field(default_factory=list)


class Predictor:
    """Learns from the runs of this machine. Runs that `cannot_run` here take no time."""

    def __init__(self, runs: Iterable[Outline], cannot_run: Callable[[PlannedRun], object] = lambda run: False) -> None:
        self._cannot_run = cannot_run
        self._seconds: dict[Cell, list[float]] = {}
        self._kinds: dict[Kind, _Experience] = {}
        for run in runs:
            self.learn(run)

    def learn(self, run: Outline) -> None:
        """Only finished runs teach."""
        if run.status != "finished" or run.seconds is None:
            return
        cell, whole = run.cell, run.process_seconds
        self._seconds.setdefault(cell, []).append(whole)
        kind = self._kinds.setdefault(_kind(cell), _Experience())
        kind.overheads.append(max(0.0, whole - run.timed_seconds))
        kind.paces.append(run.seconds / _rough_seconds(cell))

    def knows(self, cell: Cell) -> bool:
        return cell in self._seconds

    def seconds(self, run: PlannedRun, suite: Suite) -> float:
        """Wall seconds of one run: a release takes about as long as any other."""
        if self._cannot_run(run):
            return 0.0
        cell = run.cell
        known = self._seconds.get(cell)
        return median_low(known) if known else self._predicted(cell, suite)

    def seconds_of_block(self, block: Block, suite: Suite) -> float:
        """Of its runs, and of the canaries around them."""
        seconds = sum(self.seconds(run, suite) for run in block.runs)
        if block.number == 0:
            seconds += sum(self._first_compile_seconds(run) for run in block.runs)
        return seconds + 2 * _CANARY_SECONDS if seconds and not suite.is_quick else seconds

    def estimate(self, plan: Plan) -> Estimate:
        runs = [run for run in plan.runs if not self._cannot_run(run)]
        measured = sum(self.knows(run.cell) for run in runs)
        seconds = sum(self.seconds_of_block(block, plan.suite) for block in plan.blocks)
        return Estimate(seconds, measured / len(runs) if runs else 0.0)

    def _predicted(self, cell: Cell, suite: Suite) -> float:
        like = self._kinds.get(_kind(cell))
        overhead = median(like.overheads) if like else _OVERHEAD_SECONDS.get(cell.engine, _USUAL_OVERHEAD_SECONDS)
        seconds = _rough_seconds(cell) * (median(like.paces) if like else 1.0)
        if cell.workload.task == "infer":
            calls = suite.call_policy
            warmup = max(calls.warmup_calls * seconds, calls.warmup_seconds)
            return overhead + warmup + max(calls.min_calls * seconds, calls.min_seconds)
        steady = max(suite.steady_epochs * seconds, suite.min_steady_seconds)
        return overhead + suite.warmup_epochs * seconds + steady

    def _first_compile_seconds(self, run: PlannedRun) -> float:
        cell = run.cell
        if self.knows(cell) or self._cannot_run(run):
            return 0.0
        if cell.engine in _COMPILE_NO_IMAGES and networks.of_type(cell.workload.network.type).takes_images:
            return 0.0
        return _FIRST_COMPILE_SECONDS.get((cell.engine, cell.track), 0.0)


def _kind(cell: Cell) -> Kind:
    workload = cell.workload
    return cell.engine, cell.track, workload.network.type, workload.task, cell.device, workload.replicas


def _rough_seconds(cell: Cell) -> float:
    """Of an epoch, or of a call."""
    work = networks.work_of(cell.workload)
    return work.flops / (_USUAL_GFLOPS * 1e9) + work.steps * _STEP_SECONDS.get(cell.engine, _USUAL_STEP_SECONDS)
