"""Epochs of several ranks: between barriers, by the first one's clock, with the processor time of all."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from engines import timing
from engines.contract import Engine
from engines.replicas.ranks import Ranks
from engines.run_record import Epoch


@dataclass
class RanksTimer(timing.EpochTimer):
    """All ranks note the same epochs, and so agree when there are enough."""

    ranks: Ranks = field(default_factory=Ranks)

    def stop(self) -> None:
        super().stop()
        readings = self.ranks.gather(self._elapsed)
        self._elapsed = (readings[0][0], math.fsum(cpu for _, cpu in readings))


def train(
    engine: Engine, ranks: Ranks, *, samples: int, seed: int, policy: timing.Policy, report: Callable[[Epoch], None]
) -> tuple[Epoch, ...]:
    """As `timing.train`, for engines that are driven: `step_losses` are those of whole batches, in every rank."""

    def synchronize() -> None:
        engine.synchronize()
        ranks.gather(None)

    timer = RanksTimer(policy, synchronize, report, ranks=ranks)
    timing.drive(engine, timer, samples=samples, seed=seed)
    return tuple(timer.epochs)
