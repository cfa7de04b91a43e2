"""The choice among engines: the right one where the times give one, and none where they give none."""

from __future__ import annotations

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.contract import Network
from runs.findings.recommendation import Case, ComparedWorkload, Situation, recommend
from runs.findings.situations import Answer
from runs.stats import LogSamples, judge
from runs.stats.outcomes import Missing, MissingStatus
from tests.runs.findings.made_up_times import (
    FOUR,
    KTF,
    KTH,
    LARGE,
    MIDDLE,
    MLP_CPU,
    SMALL,
    TF,
    TH,
    measured,
    on,
    steady,
    verdicts,
)

# ---------------------------------------------------------------- equals


@pytest.mark.parametrize("blocks", [3, 5, 10])
def test_equal_engines_yield_no_sole_winner(blocks: int) -> None:
    for seed in range(150):
        times = measured(dict.fromkeys(FOUR, 1.0), blocks, seed)
        found = recommend(MLP_CPU, [Case(engine, LARGE, samples) for engine, samples in times.items()])
        assert len(found.not_slower) == len(FOUR)
        assert found.preferred in {KTH, KTF, None}


def test_of_two_keras_the_faster_is_preferred() -> None:
    cases = on(LARGE, tensorflow=steady(1.0), keras_tensorflow=steady(1.02), keras_theano=steady(1.01))
    assert recommend(MLP_CPU, cases).preferred == KTH


def test_without_keras_among_them_the_faster_is_preferred_but_not_alone() -> None:
    found = recommend(MLP_CPU, on(LARGE, theano=steady(1.01), tensorflow=steady(1.0), keras_theano=steady(2.0)))
    assert (found.not_slower, found.preferred) == ((TH, TF), TF)


def test_a_wide_noise_floor_makes_equals_of_more() -> None:
    cases = on(LARGE, tensorflow=steady(1.0), keras_tensorflow=steady(1.1))
    assert recommend(MLP_CPU, cases).not_slower == (TF,)
    assert recommend(MLP_CPU, cases, rope=0.15).not_slower == (TF, KTF)


# ---------------------------------------------------------------- the deciding network


def test_the_largest_network_decides_not_the_average() -> None:
    cases = [
        *on(SMALL, theano=steady(0.01), tensorflow=steady(0.10)),
        *on(MIDDLE, theano=steady(0.10), tensorflow=steady(0.50)),
        *on(LARGE, theano=steady(1.50), tensorflow=steady(1.00)),
    ]
    found = recommend(MLP_CPU, cases)
    assert (found.workload, found.not_slower) == (LARGE, (TF,))


def test_an_engine_that_ran_only_small_networks_is_listed_not_recommended() -> None:
    cases = [
        *on(SMALL, theano=steady(0.001), tensorflow=steady(0.1), keras_tensorflow=steady(0.1)),
        *on(LARGE, tensorflow=steady(1.0), keras_tensorflow=steady(1.5)),
    ]
    found = recommend(MLP_CPU, cases)
    assert (found.workload, found.not_slower) == (LARGE, (TF,))
    assert verdicts(found) == {TF: "best", KTF: "slower", TH: "not_run"}


@pytest.mark.parametrize(
    "status", ["out_of_memory", "timed_out", "crashed", "diverged", "unsupported", "not_equivalent"]
)
def test_an_engine_that_fails_the_large_network_is_listed_not_recommended(status: MissingStatus) -> None:
    cases = [
        *on(SMALL, theano=steady(0.001), keras_theano=steady(0.001), tensorflow=steady(0.1)),
        *on(LARGE, theano=status, keras_theano=status, tensorflow=steady(1.0)),
    ]
    found = recommend(MLP_CPU, cases)
    assert (found.workload, found.not_slower, found.preferred) == (LARGE, (TF,), TF)
    assert verdicts(found) == {TF: "best", TH: status, KTH: status}


def test_a_sole_candidate_is_no_winner_over_engines_that_were_not_run() -> None:
    cases = [
        *on(SMALL, theano=steady(0.1), tensorflow=steady(0.1)),
        *on(LARGE, theano="not_run", tensorflow=steady(1.0)),
    ]
    found = recommend(MLP_CPU, cases)
    assert (found.workload, found.not_slower, found.preferred) == (LARGE, (), None)
    assert found.reason == "Only TensorFlow has runs of MLP 16×200. Run another engine on it, to compare."


@pytest.mark.parametrize("status", ["not_run", "excluded"])
def test_one_engines_extra_network_decides_nothing(status: MissingStatus) -> None:
    cases = [
        *on(MIDDLE, theano=steady(0.2), tensorflow=steady(0.1), keras_theano=steady(0.3)),
        *on(LARGE, theano=status, tensorflow=steady(1.0), keras_theano=status),
    ]
    assert recommend(MLP_CPU, cases).workload == MIDDLE


def test_an_engine_that_cannot_run_at_all_is_listed_with_its_reason() -> None:
    reason = Missing("unsupported", "no GPU build of Theano")
    cases = [*on(LARGE, tensorflow=steady(1.0), keras_tensorflow=steady(1.0)), Case(TH, LARGE, reason)]
    found = recommend(Situation("mlp", "gpu"), cases)
    assert found.not_slower == (TF, KTF)
    assert found.rows[-1].missing == reason


def test_a_network_that_has_barely_begun_does_not_decide_yet() -> None:
    cases = [
        *on(MIDDLE, theano=steady(0.2), tensorflow=steady(0.1)),
        *on(LARGE, theano=steady(1, runs=1), tensorflow=steady(1, runs=2)),
    ]
    assert recommend(MLP_CPU, cases).workload == MIDDLE


def test_two_cases_of_one_engine_and_network_are_refused() -> None:
    with pytest.raises(ValueError, match="two cases of theano on MLP 16x200"):
        recommend(MLP_CPU, [*on(LARGE, theano=steady(1.0)), *on(LARGE, theano=steady(2.0))])


# ---------------------------------------------------------------- unresolved


def test_nothing_run_is_unresolved() -> None:
    found = recommend(MLP_CPU, on(LARGE, theano="unsupported", tensorflow="not_run"))
    assert (found.workload, found.is_resolved, found.not_slower) == (None, False, ())
    assert verdicts(found) == {TH: "unsupported", TF: "not_run"}


def test_no_cases_are_unresolved() -> None:
    found = recommend(MLP_CPU, [])
    assert (found.rows, found.is_resolved) == ((), False)
    assert found.reason


def test_a_cell_with_no_runs_is_not_run() -> None:
    found = recommend(MLP_CPU, on(LARGE, theano=LogSamples(()), tensorflow=steady(1.0), keras_theano=steady(1.0)))
    assert verdicts(found)[TH] == "not_run"


def test_networks_that_share_no_engines_are_unresolved() -> None:
    workloads = [ComparedWorkload(Network("mlp", 2, width), "shuttle", width) for width in (25, 50, 100, 200)]
    cases = [Case(engine, workload, steady(1.0)) for engine, workload in zip(FOUR, workloads, strict=True)]
    found = recommend(MLP_CPU, cases)
    assert (found.workload, found.is_resolved) == (None, False)


def test_under_three_runs_nobody_wins() -> None:
    found = recommend(MLP_CPU, on(LARGE, theano=steady(9.0, runs=2), tensorflow=steady(1.0, runs=2)))
    assert set(verdicts(found).values()) == {"not enough runs"}
    assert found.reason == "No engine has 3 runs of MLP 16×200 yet. Run more blocks."
    assert found.preferred is None


def test_a_rival_with_too_few_runs_keeps_it_open() -> None:
    cases = on(LARGE, theano=steady(0.5, runs=2), tensorflow=steady(1.0), keras_tensorflow=steady(2.0))
    found = recommend(MLP_CPU, cases)
    assert verdicts(found) == {TF: "best", TH: "not enough runs", KTF: "slower"}
    assert found.preferred is None
    assert "Theano" in found.reason


def in_doubt(seconds: float) -> LogSamples:
    """About 5 % around its middle: neither slower nor a tie, if that middle is near the region's edge."""
    return LogSamples(tuple(log(seconds) + shift for shift in (-0.02, 0.02, -0.01, 0.01, 0.0)), (0, 1, 2, 3, 4))


def test_a_keras_in_doubt_that_would_be_preferred_keeps_it_open() -> None:
    found = recommend(MLP_CPU, on(LARGE, tensorflow=steady(1.0), keras_tensorflow=in_doubt(1.05)))
    assert verdicts(found) == {TF: "best", KTF: "unresolved"}
    assert (found.not_slower, found.preferred) == ((TF, KTF), None)
    assert "TensorFlow, Keras · TensorFlow" in found.reason


def test_a_rival_in_doubt_is_not_called_as_fast() -> None:
    cases = on(LARGE, tensorflow=steady(1.0), keras_tensorflow=steady(1.01), jax=steady(1.01), theano=in_doubt(1.05))
    answer = Answer(recommend(MLP_CPU, cases), published=())
    assert "Theano" in answer.headline, "it is not shown to be slower"
    assert answer.short_headline == ["Keras · TensorFlow", "2 others as fast"]
    assert answer.doubt == "1 other is not separated from the fastest"


def test_a_rival_in_doubt_that_changes_nothing_does_not_block_the_choice() -> None:
    cases = on(LARGE, tensorflow=steady(1.0), keras_tensorflow=steady(1.01), theano=in_doubt(1.05))
    found = recommend(MLP_CPU, cases)
    assert verdicts(found) == {TF: "best", KTF: "tie", TH: "unresolved"}
    assert (found.not_slower, found.preferred) == ((TH, TF, KTF), KTF)


def test_a_rival_that_may_be_much_faster_keeps_it_open() -> None:
    wild = LogSamples((-0.5, 0.6, -0.4, 0.5, 0.1), (0, 1, 2, 3, 4))
    found = recommend(MLP_CPU, on(LARGE, keras_tensorflow=steady(1.0), theano=wild))
    assert verdicts(found) == {KTF: "best", TH: "unresolved"}
    assert found.preferred is None


def test_many_comparisons_need_more_proof() -> None:
    """Slower by itself, but not one among many: Holm's correction."""
    borderline = LogSamples(tuple(log(1.075) + shift for shift in (-0.02, 0.02, -0.01, 0.01, 0.0)), (0, 1, 2, 3, 4))
    flat = LogSamples((0.0,) * 5, (0, 1, 2, 3, 4))
    alone = on(LARGE, tensorflow=flat, theano=borderline)
    among = [*alone, *(Case(f"other-{number}", LARGE, borderline) for number in range(6))]
    assert verdicts(recommend(MLP_CPU, alone))[TH] == "slower"
    assert verdicts(recommend(MLP_CPU, among))[TH] == "unresolved"


# ---------------------------------------------------------------- rows and laws


def test_rows_hold_the_ratio_to_the_best_fastest_first() -> None:
    cases = on(LARGE, theano=steady(3.0), tensorflow=steady(1.0), keras_theano="crashed", keras_tensorflow=steady(2.0))
    rows = recommend(MLP_CPU, cases).rows
    assert [row.engine for row in rows] == [TF, KTF, TH, KTH]
    assert [row.ratio and round(row.ratio.value, 6) for row in rows] == [1.0, 2.0, 3.0, None]
    assert rows[1].ratio is not None
    assert rows[1].ratio.low is not None


def test_an_engine_that_the_registry_forgot_can_still_win() -> None:
    found = recommend(MLP_CPU, on(LARGE, caffe=steady(1.0), theano=steady(2.0)))
    assert found.preferred == "caffe"


ratios = st.fixed_dictionaries(dict.fromkeys(FOUR, st.sampled_from([1.0, 1.03, 1.06, 1.1, 1.5])))


@given(ratios, st.integers(0, 10_000), st.permutations(range(4)))
def test_the_order_of_cases_does_not_matter(ratios: dict[str, float], seed: int, order: list[int]) -> None:
    times = measured(ratios, 5, seed)
    cases = [Case(engine, LARGE, samples) for engine, samples in times.items()]
    assert recommend(MLP_CPU, [cases[index] for index in order]) == recommend(MLP_CPU, cases)


@given(st.sampled_from([1.0, 1.03, 1.06, 1.08, 1.1]), st.integers(0, 10_000))
def test_of_two_engines_the_verdict_is_that_of_a_comparison(ratio: float, seed: int) -> None:
    times = measured({TF: 1.0, TH: ratio}, 5, seed)
    best, other = recommend(MLP_CPU, [Case(engine, LARGE, samples) for engine, samples in times.items()]).rows
    assert other.verdict == judge(times[best.engine], times[other.engine])


@given(ratios, st.integers(0, 10_000), st.sampled_from([-7.0, -1.0, 2.5]))
def test_the_unit_of_time_does_not_matter(ratios: dict[str, float], seed: int, scale: float) -> None:
    times = measured(ratios, 5, seed)
    scaled = {
        engine: LogSamples(tuple(value + scale for value in samples.values), samples.blocks)
        for engine, samples in times.items()
    }
    here, there = (
        recommend(MLP_CPU, [Case(engine, LARGE, samples) for engine, samples in found.items()])
        for found in (times, scaled)
    )
    assert (here.not_slower, here.preferred, verdicts(here)) == (there.not_slower, there.preferred, verdicts(there))


@given(ratios, st.integers(0, 10_000), st.integers(3, 10))
def test_the_preferred_engine_is_never_one_shown_to_be_slower(ratios: dict[str, float], seed: int, blocks: int) -> None:
    times = measured(ratios, blocks, seed)
    found = recommend(MLP_CPU, [Case(engine, LARGE, samples) for engine, samples in times.items()])
    best = next(row.engine for row in found.rows if row.verdict == "best")
    assert best in found.not_slower
    assert found.preferred is None or found.preferred in found.not_slower
    assert all((verdict == "slower") == (engine not in found.not_slower) for engine, verdict in verdicts(found).items())
