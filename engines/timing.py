"""The one measuring loop. Only this module reads a clock; engines call it or are called by it.

Wall time is `perf_counter_ns`; CPU time is `process_time_ns`, the sum over all threads of the process.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Protocol

from engines.contract import Engine, EpochClock, SelfDrivenEngine
from engines.errors import DivergedError
from engines.run_record import Epoch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STEADY_DRIFT = 0.05
"""Where the last quarter of the steady epochs differs by more than this from the first, a run has no steady state."""

LARGEST_LOSS = 1e30
"""What a record can hold; beyond it, training has diverged as surely as with an infinite loss."""


@dataclass(frozen=True)
class Policy:
    """When a run has enough epochs: this many steady ones, and at least so many seconds of them."""

    warmup_epochs: int = 2
    steady_epochs: int = 3
    min_steady_seconds: float = 1.0
    epoch_limit: int = 2000


def now_ns() -> int:
    return time.perf_counter_ns()


@contextmanager
def phase(phases: dict[str, float], name: str) -> Iterator[None]:
    """Add the wall seconds of the block to `phases[name + "_seconds"]`, whether it ends well or not."""
    start = now_ns()
    try:
        yield
    finally:
        key = f"{name}_seconds"
        phases[key] = phases.get(key, 0.0) + (now_ns() - start) / 1e9


@dataclass
class EpochTimer:
    """The clock around each epoch: waits for the device before every reading, and says when there is enough."""

    policy: Policy
    synchronize: Callable[[], None]
    report: Callable[[Epoch], None]
    epochs: list[Epoch] = field(default_factory=list)
    _wall_start: int = 0
    _cpu_start: int = 0
    _elapsed: tuple[float, float] = (0.0, 0.0)

    def begin_epoch(self) -> None:
        self.synchronize()
        self._cpu_start = time.process_time_ns()
        self._wall_start = now_ns()

    def stop(self) -> None:
        self.synchronize()
        wall, cpu = now_ns(), time.process_time_ns()
        self._elapsed = ((wall - self._wall_start) / 1e9, (cpu - self._cpu_start) / 1e9)

    def end_epoch(self, loss: float) -> bool:
        self.stop()
        return self.note(loss)

    def note(self, loss: float) -> bool:
        """Keep the stopped epoch with its loss; true when the run has enough. Raises DivergedError."""
        if not abs(loss) <= LARGEST_LOSS:  # NaN, too
            raise DivergedError(f"The loss was {loss} in epoch {len(self.epochs) + 1}.")
        wall, cpu = self._elapsed
        self.epochs.append(Epoch(wall_seconds=wall, cpu_seconds=cpu, loss=loss))
        self.report(self.epochs[-1])
        return enough(self.epochs, self.policy)


def enough(epochs: list[Epoch], policy: Policy) -> bool:
    steady = epochs[policy.warmup_epochs :]
    seconds = sum(epoch.wall_seconds for epoch in steady)
    complete = len(steady) >= policy.steady_epochs and seconds >= policy.min_steady_seconds
    return complete or len(epochs) >= policy.epoch_limit


def epoch_order(seed: int, epoch: int, samples: int) -> NDArray[np.int64]:
    """The harness's shuffle: the same for every engine with this seed. Drawn outside the epoch's clock."""
    import numpy as np

    return np.random.default_rng([seed, epoch]).permutation(samples)


def train(
    engine: Engine, *, samples: int, seed: int, policy: Policy, report: Callable[[Epoch], None]
) -> tuple[Epoch, ...]:
    """Train until there are enough epochs. Raises DivergedError when a loss stops being finite."""
    timer = EpochTimer(policy, engine.synchronize, report)
    if isinstance(engine, SelfDrivenEngine):
        engine.fit(timer, seed=seed, epoch_limit=policy.epoch_limit)
    else:
        drive(engine, timer, samples=samples, seed=seed)
    return tuple(timer.epochs)


class DrivenClock(EpochClock, Protocol):
    """A clock for engines that are driven epoch by epoch: a loss is noted after it has stopped."""

    @property
    def epochs(self) -> list[Epoch]:
        """Those noted so far."""

    def stop(self) -> None:
        """Stop the epoch's clock."""

    def note(self, loss: float) -> bool:
        """Keep the stopped epoch with its loss; true when the run has enough."""


def drive(engine: Engine, clock: DrivenClock, *, samples: int, seed: int) -> None:
    complete = False
    while not complete:
        order = epoch_order(seed, len(clock.epochs), samples)
        clock.begin_epoch()
        engine.train_epoch(order)
        clock.stop()
        losses = engine.step_losses()  # fetched from the device after the clock has stopped
        complete = clock.note(math.fsum(losses) / len(losses))


def drift(steady: tuple[Epoch, ...]) -> float | None:
    """Median of the last quarter of the steady epochs over that of the first, minus 1; None under four epochs."""
    quarter = len(steady) // 4
    if not quarter:
        return None
    first = median(epoch.wall_seconds for epoch in steady[:quarter])
    last = median(epoch.wall_seconds for epoch in steady[-quarter:])
    return last / first - 1 if first else None


def threads_observed(epochs: tuple[Epoch, ...]) -> float:
    """CPU time over wall time: how many threads really worked."""
    wall = sum(epoch.wall_seconds for epoch in epochs)
    return sum(epoch.cpu_seconds for epoch in epochs) / wall if wall else 0.0
