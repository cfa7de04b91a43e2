"""Profiles in one common form: the summing of what profilers say, the profiled epoch, and each framework's profiler."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable
from math import fsum, isclose
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import backends, datasets, host, registry, worker
from engines.contract import Network, Setup, Track
from engines.environments import environments
from engines.errors import EngineError, UnsupportedError
from engines.frameworks import reference
from engines.profile_record import Operation
from engines.profiling import MOST_OPERATIONS, MOST_STEPS, Span, Timed, operations, own_times
from engines.protocol import Job
from tests.engines.listener import Listener

# ---------------------------------------------------------------- the common form

SECONDS = st.floats(min_value=0, max_value=1e6, allow_subnormal=False)
TIMES = st.lists(st.builds(Timed, st.text(min_size=1, max_size=300), st.integers(0, 10**6), SECONDS), min_size=1)


@given(TIMES)
def test_shares_sum_to_one_and_nothing_is_lost(times: list[Timed]) -> None:
    if not any(each.seconds for each in times):
        times = [*times, Timed("some", 1, 1.0)]
    found = operations(times)
    assert isclose(fsum(each.share for each in found), 1.0, abs_tol=1e-9)
    assert isclose(fsum(each.seconds for each in found), fsum(each.seconds for each in times), rel_tol=1e-9)
    assert sum(each.calls for each in found) == sum(each.calls for each in times)


@given(TIMES)
def test_each_name_comes_once_the_longest_first(times: list[Timed]) -> None:
    found = operations([*times, Timed("some", 1, 1.0)])
    assert len({each.name for each in found}) == len(found) <= MOST_OPERATIONS
    assert [each.seconds for each in found] == sorted((each.seconds for each in found), reverse=True)
    assert all(len(each.name) <= 200 for each in found)


def test_equal_names_are_one_operation() -> None:
    found = operations([Timed("dot", 2, 0.5), Timed("add", 1, 1.0), Timed("dot", 3, 2.5)])
    assert found == (Operation("dot", 5, 3.0, 0.75), Operation("add", 1, 1.0, 0.25))


def test_too_many_operations_end_in_one_for_the_rest() -> None:
    found = operations(Timed(f"op {number}", 1, float(1 + number)) for number in range(MOST_OPERATIONS + 5))
    assert len(found) == MOST_OPERATIONS
    assert found[-1] == Operation("(6 others)", 6, 21.0, found[-1].share)


@pytest.mark.parametrize("times", [[], [Timed("idle", 3, 0.0)]])
def test_a_profiler_that_saw_nothing_is_an_error(times: list[Timed]) -> None:
    with pytest.raises(EngineError, match="saw no operation"):
        operations(times)


# ---------------------------------------------------------------- own times


def seconds_of(spans: Iterable[Span]) -> dict[str, float]:
    return {each.name: round(each.seconds * 1e9) for each in own_times(spans)}


def test_what_an_operation_called_is_not_its_own_time() -> None:
    loop, body, dot = Span("while", 0, 100), Span("body", 10, 90), Span("dot", 20, 60)
    assert seconds_of([dot, loop, body]) == {"while": 20, "body": 40, "dot": 40}


def test_neighbours_are_no_callers_even_where_they_touch() -> None:
    assert seconds_of([Span("a", 0, 10), Span("b", 10, 30), Span("c", 30, 31)]) == {"a": 10, "b": 20, "c": 1}


def test_only_leaves_have_time_where_callers_do_nothing_else() -> None:
    assert seconds_of([Span("step", 0, 50), Span("dot", 0, 20), Span("add", 20, 50)]) == {
        "step": 0,
        "dot": 20,
        "add": 30,
    }


@st.composite
def nested(draw: st.DrawFn, start: int = 0, length: int = 10**6, depth: int = 0) -> list[Span]:
    """Calls within a call, whatever their lengths, as one thread makes them."""
    spans, at = [], start
    for _ in range(draw(st.integers(0, 3))):
        begin = at + draw(st.integers(0, max(0, (start + length - at) // 2)))
        end = begin + draw(st.integers(0, start + length - begin))
        spans.append(Span(f"depth {depth}", begin, end))
        if depth < 3:
            spans += draw(nested(begin, end - begin, depth + 1))
        at = end
    return spans


@given(nested())
def test_own_times_sum_to_the_time_in_which_anything_ran(spans: list[Span]) -> None:
    outermost = sum(span.end - span.start for span in spans if span.name == "depth 0")
    assert fsum(each.seconds for each in own_times(spans)) == pytest.approx(outermost / 1e9, abs=1e-9)
    assert len(own_times(spans)) == len(spans)


# ---------------------------------------------------------------- the profiled epoch

NETWORK = Network("mlp", 2, 8)
SETUP = Setup("tensorflow", NETWORK, batch_size=5)


class Watched(reference.Engine):
    """Notes what the profiler is doing whenever it trains."""

    profiler: Any
    seen: list[tuple[bool, int]]

    def train_epoch(self, order: Any) -> None:
        Watched.seen.append((FakeProfiler.is_on, len(order)))
        super().train_epoch(order)


class SelfDriven(Watched):
    def fit(self, clock: Any, *, seed: int, epoch_limit: int) -> None:
        for epoch in range(epoch_limit):
            clock.begin_epoch()
            self.train_epoch(np.random.default_rng([seed, epoch]).permutation(len(self._data.train_labels)))
            if clock.end_epoch(float(np.mean(self.step_losses()))):
                return


class FakeProfiler:
    name, version, is_on = "fake", "1.2", False

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    def start(self) -> None:
        FakeProfiler.is_on = True

    def stop(self) -> None:
        FakeProfiler.is_on = False

    def times(self) -> list[Timed]:
        assert not FakeProfiler.is_on
        return [Timed("dot", 3, 0.25)]


@pytest.fixture(autouse=True)
def _stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    Watched.seen = []
    monkeypatch.setattr(backends, "environment_variables", lambda setup, backend, scratch: {})


def provide(monkeypatch: pytest.MonkeyPatch, engine: type) -> None:
    for folder, name, value in (("frameworks", "Engine", engine), ("profilers", "Profiler", FakeProfiler)):
        module = ModuleType(f"engines.{folder}.tensorflow")
        setattr(module, name, value)
        monkeypatch.setitem(sys.modules, module.__name__, module)


def job(samples: int, **changes: Any) -> Job:
    dataset = datasets.describe("shuttle", train_samples=samples, synthetic=True)
    return dataclasses.replace(Job("profile", SETUP, dataset, seed=4), **changes)


@pytest.mark.parametrize("engine", [Watched, SelfDriven])
def test_the_epoch_after_the_warm_up_is_profiled_and_no_other(monkeypatch: pytest.MonkeyPatch, engine: type) -> None:
    provide(monkeypatch, engine)
    found = worker.profile(job(107), Listener())["profile"]
    assert Watched.seen == [(False, 107), (True, 107)]
    assert (found["profiler"], found["profiler_version"], found["steps"]) == ("fake", "1.2", 21)
    assert found["operations"] == ({"name": "dot", "calls": 3, "seconds": 0.25, "share": 1.0},)
    assert found["total_seconds"] == 0.25
    assert found["wall_seconds"] > 0


def test_a_long_epoch_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    provide(monkeypatch, Watched)
    found = worker.profile(job(20 * MOST_STEPS), Listener())["profile"]
    assert (found["steps"], Watched.seen[1]) == (MOST_STEPS, (True, 5 * MOST_STEPS))


def test_a_framework_without_a_profiler_is_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    provide(monkeypatch, Watched)
    monkeypatch.setitem(sys.modules, "engines.profilers.tensorflow", None)
    with pytest.raises(UnsupportedError, match="No profiler is known for engines on tensorflow"):
        worker.profile(job(107), Listener())


# ---------------------------------------------------------------- the frameworks' own

MATRIX_PRODUCTS = {"theano": "Gemm", "tensorflow": "MatMul", "jax": "dot", "torch": "aten::mm"}
STEPS = 5


def compiled() -> str:
    """Theano compiles for minutes, and only once: this is pytest's own cache, as for the trials of engines."""
    return str(Path(__file__).parents[2] / ".pytest_cache" / "d" / "profiles")


@pytest.mark.engine
@pytest.mark.parametrize(
    ("slug", "track"),
    [(slug, "idiomatic") for slug in (*MATRIX_PRODUCTS, "keras-jax")]  # Keras has its backend's
    + [("theano", "tuned")],  # an epoch is one call, whose C code repeats the step
)
def test_an_engine_s_own_profiler_sees_its_matrix_products(
    slug: str, track: Track, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = registry.find(slug)
    monkeypatch.setenv("BENCHSITE_VAR", compiled())
    dataset = datasets.describe("shuttle", train_samples=20 * STEPS, synthetic=True)
    asked = Job("profile", Setup(slug, Network("mlp", 2, 25), batch_size=20, track=track), dataset, seed=1)
    python = environments.python_of(environments.environment_for(info, "cpu"))
    outcome = host.run(python, asked, timeout_seconds=1800)
    assert outcome.finished, outcome
    profile = outcome.result["profile"]
    assert profile["steps"] == STEPS
    assert profile["profiler_version"]
    calls = sum(each["calls"] for each in profile["operations"] if MATRIX_PRODUCTS[info.backend] in each["name"])
    assert calls
    assert calls % STEPS == 0, "each step does the same, and the warm-up is not counted"
    assert isclose(fsum(each["share"] for each in profile["operations"]), 1.0, abs_tol=1e-9)
