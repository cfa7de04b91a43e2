"""When there are blocks enough: by the widths of intervals alone, whoever leads and in whatever order."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.contract import Cell
from engines.run_record import RunRecord, Status
from runs.bench.stopping import Budget, Progress
from runs.records.outlines import outline
from runs.stats.stopping import MIN_BLOCKS
from runs.suites.plan import Block, group_of
from tests.records import make_record
from tests.runs.bench.sittings import CELL, RIVAL, make_plan, small

GROUP = group_of(CELL)
SECONDS = st.floats(0.01, 100.0)


def run(cell: Cell, block: int, seconds: float, status: Status = "finished") -> RunRecord:
    return make_record(cell=cell, block=block, epoch_seconds=seconds, status=status)


def is_precise(records: list[RunRecord]) -> bool:
    return Progress.of(map(outline, records)).is_precise(GROUP)


def runs_of(times: list[list[float]]) -> list[RunRecord]:
    """A block for each item, with the seconds of two engines."""
    return [
        run(cell, block, seconds)
        for block, pair in enumerate(times)
        for cell, seconds in zip((CELL, RIVAL), pair, strict=True)
    ]


def spread(blocks: int, sigma: float, ratio: float = 1.2) -> list[list[float]]:
    draw = random.Random(2014)
    return [[0.25 * draw.lognormvariate(0, sigma), 0.25 * ratio * draw.lognormvariate(0, sigma)] for _ in range(blocks)]


TIMES = st.lists(st.lists(SECONDS, min_size=2, max_size=2), min_size=1, max_size=12) | st.builds(
    spread, st.integers(5, 15), st.sampled_from([0.0, 0.001, 0.005, 0.01, 0.02])
)


@pytest.mark.parametrize(
    ("blocks", "sigma", "precise"), [(6, 0.0, False), (7, 0.001, True), (7, 0.05, False), (20, 0.005, True)]
)
def test_precise_is_a_narrow_interval_after_seven_blocks(blocks: int, sigma: float, precise: bool) -> None:
    assert is_precise(runs_of(spread(blocks, sigma))) is precise


@given(st.integers(1, MIN_BLOCKS - 1), SECONDS, SECONDS)
def test_never_before_seven_blocks_however_equal_they_are(blocks: int, first: float, second: float) -> None:
    assert not is_precise(runs_of([[first, second]] * blocks))


@settings(max_examples=40)
@given(TIMES, st.randoms(use_true_random=False))
def test_the_order_of_the_runs_does_not_matter(times: list[list[float]], rng: random.Random) -> None:
    records = runs_of(times)
    shuffled = records.copy()
    rng.shuffle(shuffled)
    assert is_precise(records) == is_precise(shuffled)


@settings(max_examples=40)
@given(TIMES)
def test_who_is_faster_does_not_matter(times: list[list[float]]) -> None:
    assert is_precise(runs_of(times)) == is_precise(runs_of([pair[::-1] for pair in times]))


@settings(max_examples=40)
@given(TIMES, st.floats(0.1, 10.0))
def test_only_ratios_count(times: list[list[float]], factor: float) -> None:
    """Twice the seconds, or an engine twice as slow, says nothing of precision; 1e-9 is rounding's share."""
    records, slower = runs_of(times), runs_of([[first, second * factor] for first, second in times])
    widths = [_width(each) for each in (records, slower)]
    assert widths[0] == pytest.approx(widths[1], abs=1e-9)


def _width(records: list[RunRecord]) -> float | None:
    from runs.bench import stopping

    (width,) = stopping.half_widths(stopping._samples(map(outline, records)))
    return width


@settings(max_examples=40)
@given(TIMES, st.integers(0, 30))
def test_other_groups_do_not_matter(times: list[list[float]], blocks: int) -> None:
    other = [run(small(width=100), block, 0.1 * (1 + block % 5)) for block in range(blocks)]
    assert is_precise(runs_of(times)) == is_precise(runs_of(times) + other)


def test_every_engine_has_to_be_precise() -> None:
    third = small("theano")
    records = runs_of(spread(8, 0.001))
    assert is_precise(records + [run(third, block, 0.5) for block in range(8)])
    assert not is_precise(records + [run(third, block, 0.5 * (1 + block % 2)) for block in range(8)])


def test_an_engine_that_always_fails_keeps_no_one_waiting() -> None:
    crashed = [run(small("theano"), block, 1.0, "crashed") for block in range(8)]
    assert is_precise(runs_of(spread(8, 0.001)) + crashed)
    assert not is_precise([run(CELL, block, 0.25) for block in range(8)] + crashed)


def test_an_engine_that_finished_twice_keeps_the_others_going() -> None:
    seldom = [run(small("theano"), block, 0.5, "finished" if block < 2 else "crashed") for block in range(8)]
    assert not is_precise(runs_of(spread(8, 0.001)) + seldom)


def test_one_engine_alone_is_compared_with_none() -> None:
    assert not is_precise([run(CELL, block, 0.25) for block in range(20)])


def test_a_group_without_runs_is_not_precise() -> None:
    assert not is_precise([])


# ---------------------------------------------------------------- the budget

BLOCKS = make_plan(CELL, blocks=3).blocks


def predict(block: Block) -> float:
    return 10.0 * (block.number + 1)


def test_no_budget_is_no_end() -> None:
    assert Budget(None, predict, started=-1e9).allows(BLOCKS)


@given(st.floats(0, 100), st.floats(0.1, 200), st.integers(0, 3))
def test_blocks_are_allowed_while_they_end_in_time(spent: float, seconds: float, ahead: int) -> None:
    budget = Budget(seconds, predict, started=0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runs.bench.stopping.time.monotonic", lambda: spent)
        assert budget.allows(BLOCKS[:ahead]) == (spent + [0.0, 10.0, 30.0, 60.0][ahead] <= seconds)


def test_a_budget_begins_when_it_is_made(tmp_path: Path) -> None:
    assert 0 <= Budget(10.0, predict).spent < 10.0
