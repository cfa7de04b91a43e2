"""The clock around calls: each alone, from a batch in the host's memory to its scores in the host's memory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any

from engines.contract import Engine, TrainingData
from engines.errors import DivergedError, EngineError, UnsupportedError
from engines.timing import now_ns

if TYPE_CHECKING:
    from engines.contract import Samples

_MOST_BATCHES = 64
"""Calls take turns with so many different batches at most: no engine can know the answer before."""


@dataclass(frozen=True)
class CallPolicy:
    """When a run has enough calls. Those of the warm-up are checked one by one, and not timed."""

    warmup_calls: int = 10
    warmup_seconds: float = 0.5
    min_calls: int = 200
    min_seconds: float = 2.0
    call_limit: int = 100_000


@dataclass(frozen=True)
class Calls:
    """The seconds of each timed call, in their order; wall and CPU seconds of them with what lay between."""

    seconds: tuple[float, ...]
    warmup_calls: int
    wall_seconds: float
    cpu_seconds: float

    @property
    def threads_observed(self) -> float:
        return self.cpu_seconds / self.wall_seconds if self.wall_seconds else 0.0


def batches_of(inputs: Samples, batch_size: int) -> list[Samples]:
    """Whole batches, each with memory of its own. Raises UnsupportedError where there is none."""
    import numpy as np

    whole = min(len(inputs) // batch_size, _MOST_BATCHES)
    if not whole:
        raise UnsupportedError(f"A batch of {batch_size} does not fit in {len(inputs)} test samples.")
    return [np.array(inputs[start * batch_size : (start + 1) * batch_size]) for start in range(whole)]


def without_training(data: TrainingData) -> TrainingData:
    """One sample to train on: an engine that is only asked keeps no training data on its device."""
    return TrainingData(data.train_inputs[:1], data.train_labels[:1], data.test_inputs[:1], data.test_labels[:1])


def measure(engine: Engine, batches: Sequence[Samples], policy: CallPolicy) -> Calls:
    """Warm up, then call until there are enough. Raises EngineError for scores that were not there on return."""
    turn = cycle(batches)
    warmup = _warm_up(engine, turn, policy)
    seconds: list[float] = []
    total = 0.0
    wall, cpu = time.perf_counter(), time.process_time()
    while not _enough(len(seconds), total, policy):
        batch = next(turn)
        start = now_ns()
        engine.predict(batch)
        seconds.append((now_ns() - start) / 1e9)
        total += seconds[-1]
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    checked_call(engine, next(turn))
    return Calls(tuple(seconds), warmup, wall, cpu)


def _warm_up(engine: Engine, turn: Any, policy: CallPolicy) -> int:
    calls, start = 0, time.perf_counter()
    while calls < policy.warmup_calls or time.perf_counter() - start < policy.warmup_seconds:
        checked_call(engine, next(turn))
        calls += 1
    return calls


def _enough(calls: int, seconds: float, policy: CallPolicy) -> bool:
    return (calls >= policy.min_calls and seconds >= policy.min_seconds) or calls >= policy.call_limit


def checked_call(engine: Engine, batch: Samples) -> None:
    """Call once, and see that the scores were all there when the call returned. Raises EngineError."""
    import numpy as np

    scores: Any = engine.predict(batch)
    if type(scores) is not np.ndarray:
        raise EngineError(f"A call returned a {type(scores).__name__}, no array in the host's memory: it may be lazy.")
    seen = scores.copy()
    engine.synchronize()
    if not np.array_equal(seen, scores, equal_nan=True):
        raise EngineError("A call returned before its scores were there: they changed when the device had finished.")
    if len(scores) != len(batch):
        raise EngineError(f"A call with {len(batch)} samples returned {len(scores)} scores.")
    if not np.isfinite(scores).all():
        raise DivergedError("A score is no finite number.")


def quantiles_of(seconds: Sequence[float], levels: Sequence[float]) -> tuple[float, ...]:
    """Interpolated linearly between the order statistics (Hyndman & Fan 1996, type 7)."""
    import numpy as np

    return tuple(float(value) for value in np.quantile(seconds, levels))


def drift(seconds: Sequence[float]) -> float | None:
    """The median of the last quarter over that of the first, minus 1; None under four calls."""
    quarter = len(seconds) // 4
    if not quarter:
        return None
    (first,), (last,) = quantiles_of(seconds[:quarter], (0.5,)), quantiles_of(seconds[-quarter:], (0.5,))
    return last / first - 1 if first else None
