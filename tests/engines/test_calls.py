"""A call is timed whole: one that returns before its scores are there is caught, whatever hides it."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import calls
from engines.calls import CallPolicy
from engines.errors import DivergedError, EngineError, UnsupportedError
from engines.run_record import QUANTILES

FEW = CallPolicy(warmup_calls=2, warmup_seconds=0.0, min_calls=20, min_seconds=0.0)
BATCHES = [np.full((4, 3), number, np.float32) for number in range(5)]


class Answering:
    """Half a millisecond of honest work, and whatever a fault makes of it."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def predict(self, inputs: Any) -> Any:
        self.seen.append(float(inputs[0, 0]))
        time.sleep(0.0005)
        return np.full((len(inputs), 2), 0.5)

    def synchronize(self) -> None:
        pass


class Lazy(Answering):
    """Returns what computes itself when it is read: a subclass of NumPy's array is enough to hide it."""

    class Promise(np.ndarray):
        pass

    def predict(self, inputs: Any) -> Any:
        return super().predict(inputs).view(self.Promise)


class WithoutBarrier(Answering):
    """Returns its buffer while another thread still writes the scores into it."""

    def predict(self, inputs: Any) -> Any:
        scores = np.zeros((len(inputs), 2))

        def finish() -> None:
            time.sleep(0.02)
            scores[:] = 0.5

        self.worker = threading.Thread(target=finish)
        self.worker.start()
        return scores

    def synchronize(self) -> None:
        self.worker.join()


class OneShort(Answering):
    def predict(self, inputs: Any) -> Any:
        return super().predict(inputs)[1:]


class NotANumber(Answering):
    def predict(self, inputs: Any) -> Any:
        return super().predict(inputs) * np.nan


def measured(engine: Any, policy: CallPolicy = FEW) -> calls.Calls:
    return calls.measure(engine, BATCHES, policy)


def test_each_call_is_timed_alone_after_the_warm_up() -> None:
    made = measured(Answering())
    assert (len(made.seconds), made.warmup_calls) == (20, 2)
    assert all(seconds >= 0.0005 for seconds in made.seconds)
    assert sum(made.seconds) <= made.wall_seconds


def test_a_run_goes_on_until_its_calls_are_many_and_took_long_enough() -> None:
    policy = CallPolicy(warmup_calls=0, warmup_seconds=0.0, min_calls=3, min_seconds=0.05)
    assert sum(measured(Answering(), policy).seconds) >= 0.05


def test_no_run_goes_on_for_ever() -> None:
    policy = CallPolicy(warmup_calls=0, warmup_seconds=0.0, min_calls=3, min_seconds=1e9, call_limit=7)
    assert len(measured(Answering(), policy).seconds) == 7


def test_calls_take_turns_with_the_batches() -> None:
    engine = Answering()
    measured(engine)
    assert engine.seen[:7] == [0, 1, 2, 3, 4, 0, 1]


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        (Lazy(), "no array in the host's memory"),
        (WithoutBarrier(), "before its scores were there"),
        (OneShort(), "4 samples returned 3 scores"),
    ],
)
def test_a_call_that_is_not_over_when_it_returns_is_no_measurement(engine: Any, words: str) -> None:
    with pytest.raises(EngineError, match=words):
        measured(engine)


def test_scores_that_are_no_numbers_end_the_run() -> None:
    with pytest.raises(DivergedError):
        measured(NotANumber())


def test_a_batch_must_fit_in_the_test_samples() -> None:
    samples = np.zeros((10, 3), np.float32)
    assert [len(batch) for batch in calls.batches_of(samples, 4)] == [4, 4]
    with pytest.raises(UnsupportedError, match="11 does not fit in 10"):
        calls.batches_of(samples, 11)


def test_batches_share_no_memory_with_each_other() -> None:
    first, second = calls.batches_of(np.zeros((8, 3), np.float32), 4)
    first[:] = 1
    assert not second.any()


@given(st.lists(st.floats(1e-6, 10), min_size=1, max_size=300))
def test_quantiles_never_fall_and_lie_within_the_times(seconds: list[float]) -> None:
    found = calls.quantiles_of(seconds, QUANTILES)
    assert list(found) == sorted(found)
    assert (found[0], found[-1]) == (min(seconds), max(seconds))


def test_calls_that_grow_slower_drift() -> None:
    assert calls.drift([1.0] * 4 + [2.0] * 4) == 1.0
    assert calls.drift([1.0, 1.0, 1.0]) is None
