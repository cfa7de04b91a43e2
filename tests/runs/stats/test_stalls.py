"""Stalled runs: found by themselves, marked, set aside where there are enough, and never a reason to doubt the rest."""

from __future__ import annotations

from itertools import islice
from math import log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs import stats
from runs.stats import LogSamples, stalls
from tests.calibration.simulation import METHODS, TRUTH, experiments, rates, tables
from tests.runs.stats.test_calibration import experiments as pairs_of_cells

values = st.lists(st.floats(-3, 3), min_size=1, max_size=24)


def samples(*seconds: float) -> LogSamples:
    return LogSamples.of(seconds, tuple(range(len(seconds))))


NINE = (1.0, 1.01, 0.99, 1.005, 1.0, 0.995, 1.01, 0.99, 1.0)


def test_one_stalled_run_of_ten_hides_no_difference_of_ten_percent() -> None:
    stalled = samples(*NINE, 3.0)
    slower = samples(*(1.1 * seconds for seconds in reversed(NINE)), 1.1)
    assert stats.judge(stalled, slower) == "slower"
    assert stats.judge(slower, stalled) == "faster"
    assert stats.ratio(stalled, slower).stalled == 1
    assert stats.ratio(stalled.unpaired, slower.unpaired).stalled == 1
    assert stats.judge(stalled.unpaired, slower.unpaired) == "slower"


def test_a_stalled_run_is_set_aside_and_counted() -> None:
    found = stats.estimate(samples(*NINE, 3.0))
    assert (found.runs, found.stalled) == (10, 1)
    assert found.seconds == pytest.approx(stats.estimate(samples(*NINE)).seconds)
    assert stats.stalled_runs(samples(*NINE, 3.0)) == (9,)


def test_of_three_runs_none_is_set_aside_but_one_far_off_is_marked() -> None:
    found = stats.estimate(samples(1.0, 1.01, 3.0))
    assert found.stalled == 0
    assert stats.stalled_runs(samples(1.0, 3.0, 1.01)) == (1,)
    assert stats.stalled_runs(samples(1.0, 1.01, 1.1)) == ()
    assert stats.stalled_runs(samples(1.0, 1.5, 2.2)) == ()


@given(values)
def test_at_most_a_quarter_is_set_aside_whatever_the_values(found: list[float]) -> None:
    assert len(stalls.stalled(found)) <= len(found) // 4


@given(values, st.floats(-5, 5))
def test_setting_aside_looks_at_no_side_and_no_place(found: list[float], shift: float) -> None:
    found = [round(value, 3) for value in found]  # else a shift can round a difference away
    turned = [-value for value in found]
    assert stalls.stalled(turned) == stalls.stalled(found)
    moved = [value + round(shift, 3) for value in found]
    assert sorted(stalls.kept(moved)) == pytest.approx(sorted(value + round(shift, 3) for value in stalls.kept(found)))


@given(st.lists(st.floats(-0.05, 0.05), min_size=9, max_size=9), st.floats(2, 300))
def test_a_run_moved_ever_further_away_moves_the_centre_no_more(near: list[float], far: float) -> None:
    with_stall = stats.estimate(LogSamples((*near, far)))
    assert with_stall.seconds == pytest.approx(stats.estimate(LogSamples((*near, 300.0))).seconds)


def test_where_nothing_stalls_hardly_a_cell_has_a_run_set_aside() -> None:
    cells = [stats.estimate(one) for one, _ in islice(pairs_of_cells(1.0, 10), 4000)]
    assert sum(each.stalled > 0 for each in cells) / len(cells) <= 0.006


@pytest.mark.parametrize("is_stalled", [False, True])
@pytest.mark.parametrize("blocks", [5, 7, 10])
def test_the_interval_covers_the_truth_with_and_without_a_stall(blocks: int, is_stalled: bool) -> None:
    covers, _, _ = rates(METHODS["t without stalls"], blocks, 0.03, is_stalled=is_stalled, count=4000)
    assert 0.94 <= covers <= 0.965


def test_its_power_is_that_of_students_t_where_nothing_stalls_and_stays_where_one_run_does() -> None:
    for blocks in (5, 7, 10):
        ours, students = (
            rates(METHODS[name], blocks, 0.03, is_stalled=False, count=4000)
            for name in ("t without stalls", "Student's t")
        )
        assert ours[1] >= students[1] - 0.02
        assert ours[2] >= students[2] - 0.02
    assert rates(METHODS["t without stalls"], 10, 0.03, is_stalled=True, count=4000)[1] >= 0.95
    assert rates(METHODS["Student's t"], 10, 0.03, is_stalled=True, count=4000)[1] <= 0.05


def test_an_unpaired_ratio_keeps_its_coverage_beside_a_stall() -> None:
    generator = np.random.default_rng(7)
    covered = 0
    for one, other in islice(pairs_of_cells(1.0, 10), 2000):
        place = int(generator.integers(10))
        stalled = tuple(value + (log(3) if at == place else 0) for at, value in enumerate(one.values))
        found = stats.ratio(LogSamples(stalled), other.unpaired)
        covered += found.low is not None and found.high is not None and found.low <= 1 <= found.high
    assert 0.94 <= covered / 2000 <= 0.965


def test_noise_is_that_of_the_runs_that_count() -> None:
    quiet = [(samples(*NINE, 1.0), samples(*reversed(NINE), 1.0))]
    stalled = [(samples(*NINE, 3.0), samples(*reversed(NINE), 1.0))]
    plain, with_stall = stats.noise_floor(quiet), stats.noise_floor(stalled)
    assert plain is not None
    assert with_stall is not None
    assert with_stall < 1.5 * plain


def test_the_document_has_the_tables_of_the_command() -> None:
    """Made with so few experiments that only the rows' heads are held against it: which methods, blocks, spreads."""
    document = Path("docs/measurement.md").read_text()
    for table in tables(count=10):
        for line in table.splitlines():
            head = "|".join(line.split("|")[:3]) if "| ---" not in line else line
            assert head in document, head


def test_the_simulation_knows_its_truth() -> None:
    differences = np.array(list(experiments(10, 0.02, is_stalled=False, count=2000)))
    assert abs(differences.mean()) < 0.001
    assert differences.std() == pytest.approx(0.02 * 2**0.5, rel=0.03)
    stalled = np.abs(np.array(list(experiments(10, 0.02, is_stalled=True, count=2000))))
    assert (stalled.max(axis=1) > log(2)).all()
    assert pytest.approx(0.0953, abs=1e-4) == TRUTH
