"""The measuring loop with a clock of the tests' own: what is inside an epoch, when it waits, when there is enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import timing
from engines.contract import EpochClock
from engines.errors import DivergedError
from engines.run_record import Epoch
from engines.timing import EpochTimer, Policy

EPOCHS = st.lists(st.floats(1e-6, 10).map(lambda wall: Epoch(wall, wall)), max_size=60)


class Clock:
    """Nanoseconds that pass only when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, cpu_share: float = 1.0) -> None:
        self.seconds = 0.0
        clocks = SimpleNamespace(
            perf_counter_ns=lambda: round(self.seconds * 1e9),
            process_time_ns=lambda: round(self.seconds * cpu_share * 1e9),
        )
        monkeypatch.setattr("engines.timing.time", clocks)

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds


class LoopEngine:
    """Takes 1 s of device time an epoch, of which `synchronize` waits for half; fetching losses costs 100 s."""

    def __init__(self, clock: Clock, losses: Iterable[list[float]] = ()) -> None:
        self.clock = clock
        self.losses = iter(losses)
        self.calls: list[str] = []
        self.orders: list[Any] = []
        self._pending = 0.0

    def train_epoch(self, order: Any) -> None:
        self.calls.append("train")
        self.orders.append(order)
        self.clock.pass_by(0.5)
        self._pending = 0.5

    def synchronize(self) -> None:
        self.calls.append("synchronize")
        self.clock.pass_by(self._pending)
        self._pending = 0.0

    def step_losses(self) -> list[float]:
        self.calls.append("losses")
        self.clock.pass_by(100)
        return next(self.losses, [0.5, 0.25])


class FitEngine(LoopEngine):
    def fit(self, clock: EpochClock, *, seed: int, epoch_limit: int) -> None:
        for _ in range(epoch_limit):
            clock.begin_epoch()
            self.train_epoch(None)
            if clock.end_epoch(0.5):
                return


def train(engine: Any, policy: Policy, report: Callable[[Epoch], None] = lambda epoch: None) -> tuple[Epoch, ...]:
    return timing.train(engine, samples=20, seed=9, policy=policy, report=report)


FEW = Policy(warmup_epochs=1, steady_epochs=2, min_steady_seconds=0.0)


@pytest.mark.parametrize("make", [LoopEngine, FitEngine])
def test_an_epoch_s_clock_waits_for_the_device_and_leaves_out_the_losses(
    monkeypatch: pytest.MonkeyPatch, make: type[LoopEngine]
) -> None:
    epochs = train(make(Clock(monkeypatch, cpu_share=2.0)), FEW)
    assert [epoch.wall_seconds for epoch in epochs] == [1.0, 1.0, 1.0]
    assert [epoch.cpu_seconds for epoch in epochs] == [2.0, 2.0, 2.0]


def test_the_device_is_waited_for_before_every_reading_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = LoopEngine(Clock(monkeypatch))
    train(engine, Policy(warmup_epochs=0, steady_epochs=1, min_steady_seconds=0.0))
    assert engine.calls == ["synchronize", "train", "synchronize", "losses"]


def test_each_epoch_is_reported_as_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[Epoch] = []
    epochs = train(LoopEngine(Clock(monkeypatch)), FEW, reported.append)
    assert tuple(reported) == epochs


def test_an_epoch_s_loss_is_the_mean_over_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    epochs = train(LoopEngine(Clock(monkeypatch), [[1.0, 2.0, 6.0]]), FEW)
    assert [epoch.loss for epoch in epochs] == [3.0, 0.375, 0.375]


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), -float("inf"), 1e31])
def test_a_loss_that_no_record_can_hold_is_a_divergence_that_names_the_epoch(
    monkeypatch: pytest.MonkeyPatch, loss: float
) -> None:
    engine = LoopEngine(Clock(monkeypatch), [[0.5], [0.1, loss]])
    with pytest.raises(DivergedError, match="in epoch 2"):
        train(engine, FEW)


def test_a_run_goes_on_until_it_has_its_seconds_of_steady_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = Policy(warmup_epochs=2, steady_epochs=3, min_steady_seconds=5.0)
    assert len(train(LoopEngine(Clock(monkeypatch)), policy)) == 2 + 5


@pytest.mark.parametrize("make", [LoopEngine, FitEngine])
def test_a_run_never_goes_over_its_limit_of_epochs(monkeypatch: pytest.MonkeyPatch, make: type[LoopEngine]) -> None:
    policy = Policy(warmup_epochs=2, steady_epochs=3, min_steady_seconds=1e6, epoch_limit=7)
    assert len(train(make(Clock(monkeypatch)), policy)) == 7


def test_every_engine_meets_the_same_shuffles(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = LoopEngine(Clock(monkeypatch)), LoopEngine(Clock(monkeypatch))
    train(one, FEW)
    train(other, FEW)
    assert np.array_equal(one.orders, other.orders)
    assert not np.array_equal(one.orders[0], one.orders[1])


@given(st.integers(0, 2**53), st.integers(0, 2000), st.integers(1, 500))
def test_an_order_holds_every_sample_once(seed: int, epoch: int, samples: int) -> None:
    order = timing.epoch_order(seed, epoch, samples)
    assert sorted(order.tolist()) == list(range(samples))
    assert np.array_equal(order, timing.epoch_order(seed, epoch, samples))


@given(EPOCHS, st.integers(0, 5), st.integers(1, 10), st.floats(0, 20))
def test_there_is_enough_only_with_the_number_and_the_seconds_of_steady_epochs(
    epochs: list[Epoch], warmup: int, steady: int, seconds: float
) -> None:
    policy = Policy(warmup, steady, seconds)
    counted = epochs[warmup:]
    expected = len(counted) >= steady and sum(epoch.wall_seconds for epoch in counted) >= seconds
    assert timing.enough(epochs, policy) == expected


@pytest.mark.parametrize(
    ("walls", "drift"),
    [
        ([1.0, 1.0, 1.0], None),
        ([1.0, 1.0, 1.0, 1.0], 0.0),
        ([1.0, 9.0, 9.0, 1.2], 0.2),
        ([2.0, 4.0, 9.0, 9.0, 9.0, 9.0, 1.0, 2.0], -0.5),
        ([0.0, 1.0, 1.0, 1.0], None),
    ],
)
def test_drift_is_the_last_quarter_over_the_first(walls: list[float], drift: float | None) -> None:
    assert timing.drift(tuple(Epoch(wall, wall) for wall in walls)) == (
        drift if drift is None else pytest.approx(drift)
    )


@given(st.integers(4, 60), st.floats(1e-3, 100))
def test_equal_epochs_do_not_drift(count: int, wall: float) -> None:
    assert timing.drift((Epoch(wall, wall),) * count) == 0


def test_threads_observed_are_cpu_seconds_over_wall_seconds() -> None:
    assert timing.threads_observed((Epoch(1.0, 1.9), Epoch(3.0, 5.9))) == pytest.approx(1.95)
    assert timing.threads_observed(()) == 0.0


def test_a_phase_is_timed_though_it_fails_and_adds_up_when_entered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    phases: dict[str, float] = {}
    with suppress(ImportError), timing.phase(phases, "import"):
        clock.pass_by(2)
        raise ImportError
    with timing.phase(phases, "import"):
        clock.pass_by(1)
    assert phases == {"import_seconds": 3.0}


def test_a_timer_keeps_what_it_was_told_before_a_divergence() -> None:
    timer = EpochTimer(FEW, lambda: None, lambda epoch: None)
    timer.begin_epoch()
    timer.end_epoch(0.5)
    timer.begin_epoch()
    with pytest.raises(DivergedError):
        timer.end_epoch(float("nan"))
    assert [epoch.loss for epoch in timer.epochs] == [0.5]
