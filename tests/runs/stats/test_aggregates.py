"""Speed-ups, thread scaling and means over many cells."""

from __future__ import annotations

import pytest

from runs import stats
from tests.runs.stats.log_samples import samples


def test_a_speed_up_of_two_is_half_the_time() -> None:
    found = stats.speed_up(samples(4.0, 4.1, 3.9), samples(2.0, 2.05, 1.95))
    assert found.value == pytest.approx(2)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 2 < found.high
    assert not found.paired


def test_efficiency_is_the_speed_up_over_the_threads() -> None:
    one, four = stats.scaling({4: samples(4.0, 4.2, 4.1), 1: samples(8.0, 8.2, 8.4)})
    assert (one.threads, one.speed_up.value, one.efficiency.value) == (1, 1.0, 1.0)
    assert four.speed_up.value == pytest.approx(2, rel=0.01)
    assert four.efficiency.value == pytest.approx(four.speed_up.value / 4)
    assert four.speed_up.low is not None
    assert four.efficiency.low == pytest.approx(four.speed_up.low / 4)


def test_scaling_with_few_runs_has_no_interval() -> None:
    efficiency = stats.scaling({1: samples(8.0), 2: samples(4.0)})[1].efficiency
    assert efficiency.value == pytest.approx(1)
    assert (efficiency.low, efficiency.high) == (None, None)


def test_scaling_needs_runs_at_one_thread() -> None:
    assert stats.scaling({2: samples(1, 1, 1)}) == ()


def test_an_aggregate_is_the_geometric_mean_of_the_ratios() -> None:
    one = samples(1, 1, 1)
    found = stats.aggregate_ratio([(one, samples(2.0, 2.1, 2.2)), (one, samples(8.0, 8.1, 7.9, 8.2))])
    expected = (stats.ratio(one, samples(2.0, 2.1, 2.2)).value * stats.ratio(one, samples(8.0, 8.1, 7.9)).value) ** 0.5
    assert found.value == pytest.approx(expected)
    assert found.low is not None
    assert (found.runs, found.paired) == (3, True)


def test_an_aggregate_of_one_cell_is_that_cells_ratio() -> None:
    pair = samples(1.0, 1.1, 1.3, 1.0), samples(1.2, 1.3, 1.5, 1.25)
    one, alone = stats.aggregate_ratio([pair]), stats.ratio(*pair)
    assert (one.value, one.low, one.high) == pytest.approx((alone.value, alone.low, alone.high))


def test_an_aggregate_with_a_thin_cell_has_no_interval() -> None:
    one = samples(1, 1, 1)
    assert stats.aggregate_ratio([(one, one), (one, samples(2, 2))]).low is None


def test_an_aggregate_needs_a_common_cell() -> None:
    with pytest.raises(ValueError, match="no cells"):
        stats.aggregate_ratio([])
