"""Steps of a series: found where they are, and nowhere else."""

from __future__ import annotations

from math import exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.stats.steps import LEAST_STEP, steps, usual
from tests.calibration.changes import false_alarms, ours, power

UNCHANGED = [0.01 * ((7 * at) % 5 - 2) for at in range(20)]


def test_a_step_is_where_it_is_with_its_size() -> None:
    values = [value + (log(1.2) if at >= 12 else 0.0) for at, value in enumerate(UNCHANGED)]
    (step,) = steps(values)
    assert (step.begins, step.at, step.ends) == (0, 12, 20)
    assert step.low < 1.2 < step.high
    assert step.p < 1e-3


def test_a_step_there_and_back_is_two() -> None:
    values = [value + (log(1.2) if 7 <= at < 13 else 0.0) for at, value in enumerate(UNCHANGED)]
    assert [step.at for step in steps(values)] == [7, 13]
    assert steps(values)[0].ratio == pytest.approx(1 / steps(values)[1].ratio, rel=0.03)


def test_single_values_far_off_are_set_aside_and_shift_no_place() -> None:
    values = [value + (log(1.2) if at >= 12 else 0.0) for at, value in enumerate(UNCHANGED)]
    values[5] += 1.0
    values[19] += 1.0
    (step,) = steps(values)
    assert (step.at, step.ends) == (12, 20)
    assert [at for at in range(20) if at not in usual(values)] == [5, 19]


@pytest.mark.parametrize("values", [[], [0.0], [0.0] * 5, [0.0] * 30, UNCHANGED, UNCHANGED[:7]])
def test_where_nothing_changed_there_is_no_step(values: list[float]) -> None:
    assert steps(values) == []


def test_two_experiments_after_it_are_too_few() -> None:
    assert steps([*UNCHANGED, 0.3, 0.31]) == []
    assert usual([0.0, 0.02] * 10) == list(range(20)), "whose neighbours differ by always the same"
    assert [step.at for step in steps([*UNCHANGED, 0.3, 0.31, 0.29])] == [20]


def test_a_step_without_any_spread_is_found_but_not_a_tiny_one() -> None:
    assert [step.at for step in steps([0.0] * 6 + [0.1] * 6)] == [6]
    assert steps([0.0] * 6 + [LEAST_STEP / 2] * 6) == []


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-0.05, 0.05), min_size=8, max_size=40),
    st.floats(-5, 5),
)
def test_another_unit_of_time_changes_nothing(values: list[float], shift: float) -> None:
    before, after = steps(values), steps([value + shift for value in values])
    assert [step.at for step in before] == [step.at for step in after]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-0.5, 0.5), max_size=40))
def test_whatever_the_values_steps_are_in_order_and_say_what_they_are_of(values: list[float]) -> None:
    found = steps(values)
    places = [step.at for step in found]
    assert places == sorted(set(places))
    for step in found:
        assert 0 <= step.begins < step.at < step.ends <= len(values)
        assert step.low <= step.ratio <= step.high
        assert abs(log(step.ratio)) >= LEAST_STEP
        assert step.p < 1e-3
    assert all(exp(0) != step.ratio for step in found)


@pytest.mark.slow
def test_chance_is_called_a_step_in_one_of_a_thousand_series_at_most() -> None:
    assert false_alarms(ours, 25, 0.025, is_stalled=False, series=3000) <= 0.003
    assert power(ours, 20, 0.02, is_stalled=False, series=100) >= 0.9
