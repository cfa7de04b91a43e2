"""Where a training step's time goes, operation by operation: the framework's own profiler, in one common form.

A profile is no timed run: the profiler slows what it watches, and few steps are watched.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import fsum
from typing import Protocol

from engines import networks, timing
from engines.contract import Engine, SelfDrivenEngine, TrainingData
from engines.errors import EngineError
from engines.profile_record import Operation, Profile
from engines.run_record import Epoch

MOST_STEPS = 100
MOST_OPERATIONS = 200
"""The shorter ones are put together."""
_LONGEST_NAME = 200
_TWO_EPOCHS = timing.Policy(warmup_epochs=1, steady_epochs=1, min_steady_seconds=0.0, epoch_limit=2)


@dataclass(frozen=True)
class Timed:
    """Calls of an operation, and the seconds that were its own."""

    name: str
    calls: int
    seconds: float


@dataclass(frozen=True)
class Span:
    """One call on one thread or stream of a trace: from `start` to `end`, in nanoseconds, with all that it called."""

    name: str
    start: float
    end: float


class Profiler(Protocol):
    """A framework's own profiler; `profilers/BACKEND.py` has a class `Profiler` made as `Profiler(setup)`.

    It is made when the framework is imported and nothing is built yet: Theano has to be told before it compiles.
    """

    name: str
    version: str

    def start(self) -> None:
        """Watch from now on."""

    def stop(self) -> None:
        """Watch no longer."""

    def times(self) -> Iterable[Timed]:
        """What was seen; the same name may come several times."""


# ---------------------------------------------------------------- profiling an engine


def shortened(data: TrainingData, batch_size: int) -> TrainingData:
    """At most `MOST_STEPS` batches of it: profiles grow with every step, and the steps are alike."""
    kept = MOST_STEPS * batch_size
    return dataclasses.replace(data, train_inputs=data.train_inputs[:kept], train_labels=data.train_labels[:kept])


def profile(engine: Engine, profiler: Profiler, *, samples: int, batch_size: int, seed: int) -> Profile:
    """Train one epoch to warm up and profile the next. The engine is built, on as many samples."""
    timer = timing.EpochTimer(_TWO_EPOCHS, engine.synchronize, _tell_nobody)
    clock = _Clock(timer, profiler)
    if isinstance(engine, SelfDrivenEngine):
        engine.fit(clock, seed=seed, epoch_limit=_TWO_EPOCHS.epoch_limit)
    else:
        timing.drive(engine, clock, samples=samples, seed=seed)
    found = operations(profiler.times())
    return Profile(
        profiler=profiler.name,
        profiler_version=profiler.version,
        steps=networks.steps_per_epoch(samples, batch_size),
        wall_seconds=timer.epochs[-1].wall_seconds,
        total_seconds=fsum(each.seconds for each in found),
        operations=found,
    )


def _tell_nobody(epoch: Epoch) -> None:
    """Nobody waits for a profile's epochs."""


@dataclass
class _Clock:
    """The clock of a timed run, with the profiler on in the epoch after the warm-up."""

    timer: timing.EpochTimer
    profiler: Profiler

    @property
    def epochs(self) -> list[Epoch]:
        return self.timer.epochs

    @property
    def _is_profiled(self) -> bool:
        return len(self.timer.epochs) == _TWO_EPOCHS.warmup_epochs

    def begin_epoch(self) -> None:
        if self._is_profiled:
            self.timer.synchronize()  # what the warm-up left to the device is not to be seen
            self.profiler.start()
        self.timer.begin_epoch()

    def stop(self) -> None:
        self.timer.stop()
        if self._is_profiled:
            self.profiler.stop()

    def note(self, loss: float) -> bool:
        return self.timer.note(loss)

    def end_epoch(self, loss: float) -> bool:
        self.stop()
        return self.note(loss)


# ---------------------------------------------------------------- the common form


def operations(times: Iterable[Timed]) -> tuple[Operation, ...]:
    """One for each name, the longest first, with its share of them all. Raises EngineError where nothing took time."""
    summed = _largest(sorted(_by_name(times), key=lambda each: (-each.seconds, each.name)))
    total = fsum(each.seconds for each in summed)
    if not total:
        raise EngineError("The profiler saw no operation that took time.")
    return tuple(Operation(each.name, each.calls, each.seconds, min(1.0, each.seconds / total)) for each in summed)


def _by_name(times: Iterable[Timed]) -> Iterator[Timed]:
    found: dict[str, list[Timed]] = {}
    for each in times:
        found.setdefault(_short(each.name), []).append(each)
    for name, alike in found.items():
        yield Timed(name, sum(each.calls for each in alike), fsum(each.seconds for each in alike))


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _largest(times: list[Timed]) -> list[Timed]:
    """All of them, or the first with one in the place of the rest, which comes last whatever it took."""
    if len(times) <= MOST_OPERATIONS:
        return times
    kept, rest = times[: MOST_OPERATIONS - 1], times[MOST_OPERATIONS - 1 :]
    others = Timed(f"({len(rest)} others)", sum(each.calls for each in rest), fsum(each.seconds for each in rest))
    return [*kept, others]


def own_times(spans: Iterable[Span]) -> list[Timed]:
    """Each call's own time: a trace's durations hold those of all that was called, which must not count twice.

    `spans` are of one thread or stream, where a call ends before its caller does.
    """
    found: list[Timed] = []
    open_calls: list[_OpenCall] = []
    for span in sorted(spans, key=lambda each: (each.start, -each.end)):
        while open_calls and open_calls[-1].span.end <= span.start:
            found.append(open_calls.pop().timed)
        if open_calls:
            open_calls[-1].called += min(span.end, open_calls[-1].span.end) - span.start
        open_calls.append(_OpenCall(span))
    return [*found, *(call.timed for call in open_calls)]


@dataclass
class _OpenCall:
    """`called` are the nanoseconds of what it called itself."""

    span: Span
    called: float = 0.0

    @property
    def timed(self) -> Timed:
        return Timed(self.span.name, 1, max(0.0, self.span.end - self.span.start - self.called) / 1e9)
