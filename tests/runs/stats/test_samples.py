"""Formulas against numbers worked out by hand or by SciPy's own tests, and laws that hold for any samples."""

from __future__ import annotations

from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind, ttest_rel

from runs import stats
from runs.stats import LogSamples
from tests.runs.stats.log_samples import samples

Pair = tuple[LogSamples, LogSamples]


def unpaired(*seconds: float) -> LogSamples:
    return LogSamples.of(seconds)


def cells(min_runs: int = 1, max_runs: int = 8) -> st.SearchStrategy[LogSamples]:
    seconds = st.floats(1e-3, 1e3)
    runs = st.lists(
        st.tuples(st.integers(0, 9), seconds), min_size=min_runs, max_size=max_runs, unique_by=lambda run: run[0]
    )
    return runs.map(lambda found: LogSamples.of([value for _, value in found], [block for block, _ in found]))


def close_pairs() -> st.SearchStrategy[Pair]:
    """Cells a few percent apart, where all verdicts occur."""
    noise = st.lists(st.floats(-0.05, 0.05), min_size=3, max_size=8)
    cell = noise.map(lambda values: LogSamples(tuple(values), tuple(range(len(values)))))
    return st.tuples(cell, cell, st.floats(-0.2, 0.2)).map(lambda three: (three[0], shifted(three[1], three[2])))


def shifted(cell: LogSamples, by: float) -> LogSamples:
    return LogSamples(tuple(value + by for value in cell.values), cell.blocks)


def reversed_runs(cell: LogSamples) -> LogSamples:
    return LogSamples(cell.values[::-1], cell.blocks[::-1])


# ---------------------------------------------------------------- samples and estimates


def test_a_run_is_the_median_of_its_steady_epochs() -> None:
    assert stats.run_median([3.0, 1.0, 2.0, 100.0]) == 2.5


def test_a_run_without_steady_epochs_has_no_median() -> None:
    with pytest.raises(ValueError, match="median"):
        stats.run_median([])


def test_samples_refuse_block_numbers_that_do_not_match() -> None:
    with pytest.raises(ValueError, match="3 runs have 2 block numbers"):
        samples(1, 2, 3, blocks=(1, 2))


def test_samples_refuse_a_time_of_zero() -> None:
    with pytest.raises(ValueError, match="more than 0 s"):
        samples(1.0, 0.0)


def test_samples_refuse_what_is_not_a_number() -> None:
    with pytest.raises(ValueError, match="finite"):
        LogSamples((0.0, float("nan")))


def test_an_estimate_is_the_geometric_mean_with_a_t_interval_on_logs() -> None:
    found = stats.estimate(samples(1.0, 2.0, 4.0))
    half_width = 4.302653 * log(2) / 3**0.5
    assert found.seconds == pytest.approx(2.0)
    assert (found.low, found.high) == pytest.approx((2 / exp(half_width), 2 * exp(half_width)), rel=1e-6)
    assert found.runs == 3


@pytest.mark.parametrize("seconds", [(2.0,), (2.0, 2.0)])
def test_under_three_runs_an_estimate_has_no_interval(seconds: tuple[float, ...]) -> None:
    found = stats.estimate(samples(*seconds))
    assert found.seconds == pytest.approx(2.0)
    assert (found.low, found.high) == (None, None)


def test_no_runs_are_no_estimate() -> None:
    with pytest.raises(ValueError, match="no runs"):
        stats.estimate(samples())


# ---------------------------------------------------------------- ratios


def test_a_paired_ratio_agrees_with_scipys_paired_t_test() -> None:
    slow, fast = samples(1.2, 1.3, 1.5, 1.25), samples(1.0, 1.1, 1.3, 1.0)
    interval = ttest_rel(slow.values, fast.values).confidence_interval(0.95)
    found = stats.ratio(fast, slow)
    assert found.paired
    assert (found.low, found.high) == pytest.approx((exp(interval.low), exp(interval.high)))


def test_an_unpaired_ratio_agrees_with_scipys_welch_test() -> None:
    slow, fast = unpaired(1.2, 1.3, 1.5, 1.25, 1.9), unpaired(1.0, 1.1, 1.3)
    interval = ttest_ind(slow.values, fast.values, equal_var=False).confidence_interval(0.95)
    found = stats.ratio(fast, slow)
    assert not found.paired
    assert (found.low, found.high) == pytest.approx((exp(interval.low), exp(interval.high)))
    assert found.runs == 3


def test_pairing_follows_block_numbers_not_positions() -> None:
    baseline = samples(1, 2, 4, blocks=(1, 2, 3))
    candidate = samples(8, 2, 4, blocks=(3, 1, 2))
    found = stats.ratio(baseline, candidate)
    assert found.paired
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2))


def test_runs_without_a_partner_are_left_out_where_blocks_are_shared() -> None:
    baseline = samples(1, 1, 1, 1, 50, blocks=(1, 2, 3, 4, 9))
    found = stats.ratio(baseline, samples(2, 2, 2, 2, blocks=(1, 2, 3, 4)))
    assert found.value == pytest.approx(2)
    assert (found.runs, found.paired) == (4, True)


@pytest.mark.parametrize(
    ("shared", "runs", "paired"),
    [(2, 4, False), (3, 4, True), (3, 6, True), (3, 7, False), (4, 7, True)],
)
def test_pairing_needs_three_shared_blocks_and_half_of_the_smaller_side(shared: int, runs: int, paired: bool) -> None:
    baseline = samples(*[1.0] * runs)
    candidate = samples(*[1.0] * (runs + 1), blocks=range(runs - shared, 2 * runs - shared + 1))
    assert stats.ratio(baseline, candidate).paired is paired


def test_a_blocks_repeated_runs_count_as_their_mean() -> None:
    found = stats.ratio(samples(1, 1, 1), samples(2, 2, 1, 4, blocks=(0, 1, 2, 2)))
    assert found.value == pytest.approx(2)
    assert found.runs == 3


def test_under_three_runs_a_side_a_ratio_has_no_interval() -> None:
    found = stats.ratio(samples(1, 1), samples(2, 2, 2, 2))
    assert found.value == pytest.approx(2)
    assert (found.low, found.high, found.runs) == (None, None, 2)


def test_a_cell_over_itself_is_one_without_an_interval() -> None:
    assert stats.ratio_to_itself(samples(1, 2, 3)) == stats.Ratio(1.0, None, None, 3, False)


# ---------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("candidate", "verdict"),
    [
        (samples(1.20, 1.21, 1.19, 1.20), "slower"),
        (samples(0.80, 0.81, 0.79, 0.80), "faster"),
        (samples(1.00, 1.01, 0.99, 1.00), "tie"),
        (samples(1.03, 1.03, 1.03, 1.03), "tie"),
        (samples(1.00, 1.10, 1.20, 1.05), "unresolved"),
        (samples(1.06, 1.08, 1.04, 1.05), "unresolved"),
        (samples(9.00, 9.00), "not enough runs"),
    ],
)
def test_verdicts(candidate: LogSamples, verdict: str) -> None:
    assert stats.judge(samples(1, 1, 1, 1), candidate) == verdict


def test_a_difference_that_nobody_feels_is_a_tie_however_sure() -> None:
    baseline, candidate = samples(1.000, 1.001, 0.999), samples(1.020, 1.021, 1.019)
    low = stats.ratio(baseline, candidate).low
    assert low is not None
    assert low > 1
    assert stats.judge(baseline, candidate) == "tie"


def test_a_noisier_machine_needs_a_larger_difference() -> None:
    baseline, candidate = samples(1, 1, 1), samples(1.1, 1.1, 1.1)
    assert stats.judge(baseline, candidate) == "slower"
    assert stats.judge(baseline, candidate, rope=stats.equivalence_region(0.12)) == "tie"


@pytest.mark.parametrize(("noise", "rope"), [(None, 0.05), (0.01, 0.05), (0.08, 0.08)])
def test_the_region_is_five_percent_or_the_machines_noise(noise: float | None, rope: float) -> None:
    assert stats.equivalence_region(noise) == rope


@given(close_pairs())
def test_swapping_the_sides_mirrors_the_verdict(pair: Pair) -> None:
    mirror = {"faster": "slower", "slower": "faster"}
    verdict = stats.judge(*pair)
    assert stats.judge(*reversed(pair)) == mirror.get(verdict, verdict)


@given(cells(), cells())
def test_swapping_the_sides_inverts_the_ratio(baseline: LogSamples, candidate: LogSamples) -> None:
    there, back = stats.ratio(baseline, candidate), stats.ratio(candidate, baseline)
    assert there.value * back.value == pytest.approx(1)
    assert (there.low is None) == (back.high is None)
    if there.low is not None and back.high is not None:
        assert log(there.low) == pytest.approx(-log(back.high), abs=1e-9)


@given(cells(), cells(), st.floats(-5, 5))
def test_a_ratio_does_not_depend_on_the_unit_of_time(baseline: LogSamples, candidate: LogSamples, scale: float) -> None:
    here = stats.ratio(baseline, candidate)
    there = stats.ratio(shifted(baseline, scale), shifted(candidate, scale))
    assert log(there.value) == pytest.approx(log(here.value), abs=1e-9)
    assert (there.runs, there.paired) == (here.runs, here.paired)
    if here.low is not None and there.low is not None:
        assert log(there.low) == pytest.approx(log(here.low), rel=1e-6, abs=1e-6)


@given(cells(), cells())
def test_the_order_of_runs_does_not_matter(baseline: LogSamples, candidate: LogSamples) -> None:
    assert stats.ratio(reversed_runs(baseline), reversed_runs(candidate)) == stats.ratio(baseline, candidate)
    assert stats.judge(reversed_runs(baseline), candidate) == stats.judge(baseline, candidate)


@given(close_pairs())
def test_a_wider_region_never_turns_a_tie_into_a_winner(pair: Pair) -> None:
    if stats.judge(*pair, rope=0.05) == "tie":
        assert stats.judge(*pair, rope=0.10) == "tie"


@given(close_pairs())
def test_p_slower_says_what_the_verdict_says(pair: Pair) -> None:
    p = stats.p_slower(*pair)
    assert p is not None
    if abs(p - stats.SIGNIFICANCE) > 1e-9:
        assert (p < stats.SIGNIFICANCE) == (stats.judge(*pair) == "slower")


def test_p_slower_needs_three_runs() -> None:
    assert stats.p_slower(samples(1, 1), samples(2, 2)) is None


# ---------------------------------------------------------------- Holm


def test_holm_on_a_worked_example() -> None:
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


def test_holm_of_nothing_is_nothing() -> None:
    assert stats.holm([]) == ()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_order_and_lies_between_raw_and_bonferroni(p_values: list[float]) -> None:
    adjusted = stats.holm(p_values)
    ranks = sorted(range(len(p_values)), key=lambda index: p_values[index])
    assert [adjusted[index] for index in ranks] == sorted(adjusted)
    for raw, corrected in zip(p_values, adjusted, strict=True):
        assert raw <= corrected <= min(1.0, len(p_values) * raw) + 1e-12


# ---------------------------------------------------------------- noise, drift, stopping


def test_a_machine_that_repeats_exactly_has_no_noise() -> None:
    assert stats.noise_floor([(samples(1, 2, 3), samples(1, 2, 3))]) == 0


def test_noise_is_the_bound_of_an_a_a_ratio() -> None:
    first, second = LogSamples((0.0, 0.0, 0.0, 0.0), (0, 1, 2, 3)), LogSamples((0.1, -0.1, 0.1, -0.1), (0, 1, 2, 3))
    assert stats.noise_floor([(first, second)]) == pytest.approx(exp(2.776445 * 0.1 / 2) - 1)


def test_noise_needs_three_shared_blocks() -> None:
    assert stats.noise_floor([(samples(1, 1), samples(1, 1)), (unpaired(1, 1, 1), unpaired(1, 1, 1))]) is None


def test_the_half_width_is_that_of_the_log_ratio() -> None:
    baseline, candidate = samples(1.0, 1.1, 1.3, 1.0), samples(1.2, 1.3, 1.5, 1.25)
    found = stats.ratio(baseline, candidate)
    assert found.low is not None
    assert stats.half_width_of_log_ratio(baseline, candidate) == pytest.approx(log(found.value / found.low))


def test_two_runs_have_no_half_width() -> None:
    assert stats.half_width_of_log_ratio(samples(1, 1), samples(1, 1)) is None


@pytest.mark.parametrize(
    ("half_widths", "blocks", "budget_left", "reason"),
    [
        ([0.01, 0.019], 7, True, "precise"),
        ([0.01, 0.019], 6, True, None),
        ([0.01, 0.021], 7, True, None),
        ([0.01, None], 7, True, None),
        ([], 7, True, None),
        ([0.01, 0.03], 20, True, "block limit"),
        ([0.01, 0.01], 20, True, "precise"),
        ([0.01, 0.03], 9, False, "out of budget"),
        ([0.01, 0.01], 9, False, "precise"),
    ],
)
def test_stopping(half_widths: list[float | None], blocks: int, budget_left: bool, reason: str | None) -> None:
    assert stats.stop_reason(half_widths, blocks=blocks, budget_left=budget_left) == reason
