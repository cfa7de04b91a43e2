"""How long a plan will take on this machine: from what its cells took before, else from their size. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from engines import networks
from engines.contract import Cell, RunRecord
from runs.suites.plan import Plan
from runs.suites.suite import Suite

# Rough figures for an engine that has not run here yet: seconds outside the epochs, and the rate within them.
_OVERHEAD_SECONDS = {"theano": 12.0, "keras-theano": 14.0}
_USUAL_OVERHEAD_SECONDS = 6.0
_USUAL_GFLOPS = 30.0
_STEP_SECONDS = 2e-4


@dataclass(frozen=True)
class Estimate:
    """`measured_share` is the share of the runs whose cell was measured here before."""

    seconds: float
    measured_share: float


class Predictor:
    """Learns from the records of this machine; unsupported runs take no time."""

    def __init__(self, records: Iterable[RunRecord]) -> None:
        self._seconds: dict[Cell, list[float]] = {}
        for record in records:
            if record.status == "finished":
                self._seconds.setdefault(record.cell, []).append(record.phases.process_seconds)

    def knows(self, cell: Cell) -> bool:
        return cell in self._seconds

    def seconds(self, cell: Cell, suite: Suite) -> float:
        """Wall seconds of one run of the cell."""
        known = self._seconds.get(cell)
        return median(known) if known else _predicted(cell, suite)

    def estimate(self, plan: Plan, *, can_run: dict[Cell, bool]) -> Estimate:
        runs = [run for run in plan.runs if can_run[run.cell]]
        measured = sum(self.knows(run.cell) for run in runs)
        seconds = sum(self.seconds(run.cell, plan.suite) for run in runs)
        return Estimate(seconds, measured / len(runs) if runs else 0.0)


def _predicted(cell: Cell, suite: Suite) -> float:
    samples, batch_size = cell.workload.dataset.train_samples, cell.workload.batch_size
    flops = networks.flops_per_epoch(cell.workload.network, samples=samples, batch_size=batch_size)
    steps = networks.steps_per_epoch(samples, batch_size)
    epoch_seconds = flops / (_USUAL_GFLOPS * 1e9) + steps * _STEP_SECONDS
    steady = max(suite.steady_epochs * epoch_seconds, suite.min_steady_seconds)
    overhead = _OVERHEAD_SECONDS.get(cell.engine, _USUAL_OVERHEAD_SECONDS)
    return overhead + suite.warmup_epochs * epoch_seconds + steady
