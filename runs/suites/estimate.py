"""How long a plan will take on this machine: from what its cells took before, else from their size. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from engines import networks
from engines.contract import Cell, RunRecord
from runs.suites.plan import Block, Plan
from runs.suites.suite import Suite

# Rough figures for an engine that has not run here yet: seconds outside the epochs, and the rate within them.
_OVERHEAD_SECONDS = {"theano": 12.0, "keras-theano": 14.0}
_USUAL_OVERHEAD_SECONDS = 6.0
_USUAL_GFLOPS = 30.0
_STEP_SECONDS = 2e-4
_CANARY_SECONDS = 1.5


@dataclass(frozen=True)
class Estimate:
    """`measured_share` is the share of the runs whose cell was measured here before."""

    seconds: float
    measured_share: float


class Predictor:
    """Learns from the records of this machine. Cells that `cannot_run` here take no time."""

    def __init__(self, records: Iterable[RunRecord], cannot_run: Callable[[Cell], object] = lambda cell: False) -> None:
        self._cannot_run = cannot_run
        self._seconds: dict[Cell, list[float]] = {}
        for record in records:
            if record.status == "finished":
                self._seconds.setdefault(record.cell, []).append(record.phases.process_seconds)

    def knows(self, cell: Cell) -> bool:
        return cell in self._seconds

    def seconds(self, cell: Cell, suite: Suite) -> float:
        """Wall seconds of one run of the cell."""
        if self._cannot_run(cell):
            return 0.0
        known = self._seconds.get(cell)
        return median(known) if known else _predicted(cell, suite)

    def seconds_of_block(self, block: Block, suite: Suite) -> float:
        """Of its runs, and of the canaries around them."""
        seconds = sum(self.seconds(run.cell, suite) for run in block.runs)
        return seconds + 2 * _CANARY_SECONDS if seconds and not suite.is_quick else seconds

    def estimate(self, plan: Plan) -> Estimate:
        runs = [run for run in plan.runs if not self._cannot_run(run.cell)]
        measured = sum(self.knows(run.cell) for run in runs)
        seconds = sum(self.seconds_of_block(block, plan.suite) for block in plan.blocks)
        return Estimate(seconds, measured / len(runs) if runs else 0.0)


def _predicted(cell: Cell, suite: Suite) -> float:
    samples, batch_size = cell.workload.dataset.train_samples, cell.workload.batch_size
    flops = networks.flops_per_epoch(cell.workload.network, samples=samples, batch_size=batch_size)
    steps = networks.steps_per_epoch(samples, batch_size)
    epoch_seconds = flops / (_USUAL_GFLOPS * 1e9) + steps * _STEP_SECONDS
    steady = max(suite.steady_epochs * epoch_seconds, suite.min_steady_seconds)
    overhead = _OVERHEAD_SECONDS.get(cell.engine, _USUAL_OVERHEAD_SECONDS)
    return overhead + suite.warmup_epochs * epoch_seconds + steady
