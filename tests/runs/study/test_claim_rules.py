"""How answers become verdicts: what is missing, what is unresolved, what the noise hides, and what is noted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.contract import Network
from runs.stats import LogSamples, equivalence_region
from runs.stats.outcomes import Missing
from runs.study.claims import CLAIMS, JudgedClaim, Measured, Place, judge_claim
from runs.study.claims.declared import COUNTS_ARE_DERIVED, KTF, KTH, TF, TH
from runs.study.claims.judgements import ThreadSpeedUp, Versus
from runs.study.claims.notes import FED_FROM_HOST, NOT_SHUFFLED, TABLES_AGREE_PARTLY, TWO_MACHINES, VALIDATED_INSIDE
from runs.study.claims.questions import Grid
from runs.study.claims.regions import ALIKE, FASTER, GAIN, LOSS, SLOWER, Region
from runs.study.claims.verdicts import (
    ClaimVerdict,
    Tally,
    _all_must_agree,
    _most_must_agree,
    answer,
    judge_part,
    together,
)
from runs.study.published import published
from tests.runs.study.claim_cells import runs_of, solved, study_world

CLAIM_OF = {claim.id: claim for claim in published().claims}
MLP_8X100 = Network("mlp", 8, 100)
SMALL_GRID = Grid("mlp", "cpu", (8,), (25, 50, 100, 200))


# ---------------------------------------------------------------- what is missing, and notes


def judged(name: str, measured: Measured) -> JudgedClaim:
    return judge_claim(CLAIM_OF[name], CLAIMS[name], measured)


def test_missing_cells_are_named_with_their_causes() -> None:
    cells = dict(study_world().cells)
    few, gone, refused = (Place(TF, Network("mlp", 8, width), "cpu") for width in (25, 50, 100))
    cells[few] = runs_of(0.0, 2)
    del cells[gone]
    cells[refused] = Missing("out_of_memory", "It used all 2 GiB.")
    found = judged("mlp-cpu-tf-beats-th", Measured(cells))
    assert found.verdict == "not enough runs"
    assert [str(gap) for gap in found.missing] == [
        "TensorFlow, 1 CPU thread: 2 of 3 runs (MLP 8x25)",
        "TensorFlow, 1 CPU thread: not run (MLP 8x50)",
        "TensorFlow, 1 CPU thread: It used all 2 GiB. (MLP 8x100)",
    ]
    assert found.answers == {"not enough runs": 2, "cannot be measured today": 1, "agrees": 5}


def test_an_engine_refused_on_one_network_is_refused_on_those_not_tried() -> None:
    cells = {Place(TH, MLP_8X100, "gpu"): Missing("unsupported", "No GPU build of Theano.")}
    found = judged("mlp-gpu-kth-beats-th", Measured(cells))
    assert found.missing[0].reason == "No GPU build of Theano."
    assert found.verdict == "cannot be measured today"


def test_an_engine_refused_for_its_threads_is_not_refused_with_fewer() -> None:
    cells: dict[Place, LogSamples | Missing] = {
        Place(TH, MLP_8X100, "cpu", 12): Missing("unsupported", "12 threads asked."),
        Place(TH, MLP_8X100, "cpu"): runs_of(0.0),
    }
    outcome = Measured(cells).outcome(Place(TH, Network("mlp", 8, 25), "cpu"))
    assert outcome == Missing("not_run")


@pytest.mark.parametrize(
    ("name", "notes"),
    [
        ("cnn-cpu-tf-beats-th-above-8", (NOT_SHUFFLED, FED_FROM_HOST)),
        ("mlp-cpu-kth-beats-th", (NOT_SHUFFLED, VALIDATED_INSIDE)),
        ("mlp-cpu-kth-ties-ktf", ()),
        ("cnn-gpu-always-faster", (TABLES_AGREE_PARTLY, TWO_MACHINES)),
        ("mlp-threads-useless-when-narrow", (COUNTS_ARE_DERIVED,)),
    ],
)
def test_notes_say_where_the_studys_programs_differed(name: str, notes: tuple[str, ...]) -> None:
    assert judged(name, Measured({})).notes == notes


# ---------------------------------------------------------------- the rules


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        (["holds", "holds"], "holds"),
        (["holds", "does not hold"], "mixed"),
        (["mixed", "cannot be measured today"], "mixed"),
        (["holds", "does not hold", "not enough runs"], "mixed"),
        (["holds", "not enough runs"], "not enough runs"),
        (["does not hold", "not enough runs"], "not enough runs"),
        (["holds", "cannot be measured today"], "cannot be measured today"),
        (["does not hold", "cannot be measured today"], "does not hold"),
        (["not enough runs", "cannot be measured today"], "cannot be measured today"),
        (["does not hold", "not enough runs", "cannot be measured today"], "not enough runs"),
    ],
)
def test_parts_make_the_claims_verdict(parts: list[ClaimVerdict], verdict: ClaimVerdict) -> None:
    assert together(parts) == verdict


def wide_runs(log_seconds: float) -> LogSamples:
    """Runs too unlike to tell 10 % with."""
    return LogSamples(tuple(log_seconds + offset for offset in (-0.2, 0.0, 0.2)))


def small_versus(ratios: Sequence[LogSamples | None], region: Region = SLOWER) -> str:
    part = Versus(SMALL_GRID, region, engine=TF, than=(TH,))
    cells: dict[Place, LogSamples | Missing] = {}
    for network, samples in zip(SMALL_GRID.networks, ratios, strict=True):
        cells[Place(TH, network, "cpu")] = runs_of(0.0)
        cells[Place(TF, network, "cpu")] = Missing("unsupported") if samples is None else samples
    return judge_part(part, Measured(cells)).verdict


def test_unresolved_comparisons_stand_aside_while_more_than_half_is_resolved() -> None:
    slower, unclear = runs_of(0.3), wide_runs(0.1)
    assert small_versus([slower, slower, slower, unclear]) == "holds"
    assert small_versus([slower, slower, unclear, unclear]) == "not enough runs"


def test_less_than_half_measurable_is_no_verdict() -> None:
    slower, faster = runs_of(0.3), runs_of(-0.3)
    assert small_versus([slower, slower, None, None]) == "holds"
    assert small_versus([slower, None, None, None]) == "cannot be measured today"
    assert small_versus([faster, None, None, None]) == "cannot be measured today"
    assert small_versus([slower, faster, None, None]) == "mixed"


@pytest.mark.parametrize(
    ("tally", "verdict"),
    [
        (Tally(agree=3, impossible=1), "holds"),
        (Tally(agree=2, impossible=2), "cannot be measured today"),
        (Tally(agree=2, lacking=2), "not enough runs"),
        (Tally(agree=1, lacking=1, impossible=2), "cannot be measured today"),
        (Tally(agree=1, disagree=2, lacking=1), "mixed"),
        (Tally(disagree=2, impossible=2), "does not hold"),
    ],
)
def test_most_means_more_than_half_of_all(tally: Tally, verdict: ClaimVerdict) -> None:
    assert _most_must_agree(tally, 0.5) == verdict


def test_only_engines_in_one_block_are_paired() -> None:
    """Drift that a block's engines share cancels between them, and must not between thread counts."""
    drifting = LogSamples((0.0, 0.5, 1.0), (0, 1, 2))
    shifted = LogSamples(tuple(value + 0.3 for value in drifting.values), (0, 1, 2))
    cells = {
        Place(TH, MLP_8X100, "cpu"): drifting,
        Place(TF, MLP_8X100, "cpu"): shifted,
        Place(TH, MLP_8X100, "cpu", 2): shifted,
    }
    on = Grid("mlp", "cpu", (8,), (100,))
    engines = next(Versus(on, SLOWER, engine=TF, than=(TH,)).questions())
    threads = next(ThreadSpeedUp(on, LOSS, engines=(TH,), counts=(2,)).questions())
    assert answer(engines, Measured(cells)).answer == "agrees"
    assert answer(threads, Measured(cells)).answer == "unresolved"


def test_a_noisy_machine_needs_a_larger_difference() -> None:
    part = Versus(SMALL_GRID, FASTER, engine=TF, than=(TH,))
    times = solved(part, lambda _number, _region: 0.9)
    assert judge_part(part, times).verdict == "holds"
    assert judge_part(part, times, rope=equivalence_region(0.2)).verdict == "does not hold"


@given(st.sampled_from([FASTER, SLOWER, ALIKE, GAIN]), st.floats(0.0, 0.5))
def test_no_edge_of_a_region_is_within_the_noise(region: Region, noise: float) -> None:
    found = region.beyond(equivalence_region(noise))
    for edge in (found.low, found.high):
        assert edge >= (1 + noise) * 0.999 or edge <= 1.001 / (1 + noise)


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
def test_nothing_definite_is_said_of_all_while_runs_are_lacking(a: int, d: int, u: int, lacking: int, i: int) -> None:
    """Where cells lack runs, "holds" and "does not hold" are not said of what all networks must agree on."""
    verdict = _all_must_agree(Tally(a, d, u, lacking, i), 0.5)
    assert verdict in ("mixed", "not enough runs", "cannot be measured today") or not lacking
    assert verdict != "holds" or d == 0
    assert verdict != "does not hold" or a == 0


# ---------------------------------------------------------------- the study's own words


def test_flat_until_400_is_said_of_theano_and_tensorflow_alone() -> None:
    places = {place.engine for place in _places("mlp-gpu-flat-until-400")}
    assert places == {TH, TF}


def test_keras_is_judged_on_theano_where_table_5_1_has_it() -> None:
    keras: dict[str, set[str]] = {}
    for place in _places("keras-matches-tensorflow-mostly"):
        if place.engine != TF:
            keras[f"{place.network.type}-{place.device}"] = {place.engine}
    assert keras["mlp-cpu"] == {KTH}
    assert keras["mlp-gpu"] == keras["cnn-gpu"] == keras["cnn-cpu"] == {KTF}


def _places(name: str) -> list[Place]:
    questions = [question for part in CLAIMS[name].parts for question in part.questions()]
    return [place for question in questions for place in question.places]


@pytest.mark.parametrize(
    ("name", "factor", "verdict"),
    [
        ("mlp-gpu-th-falls-behind-from-400", 1.5, "holds"),
        ("mlp-gpu-th-falls-behind-from-400", 0.8, "does not hold"),
        ("mlp-gpu-ktf-penalty-grows", 1.5, "holds"),
        ("mlp-gpu-ktf-penalty-grows", 0.8, "does not hold"),
    ],
)
def test_a_gap_is_judged_by_how_it_changes_with_the_width(name: str, factor: float, verdict: ClaimVerdict) -> None:
    (part,) = CLAIMS[name].parts
    assert judged(name, solved(part, lambda number, region: factor)).verdict == verdict


def test_efficiency_falls_unless_threads_bring_all_that_they_could() -> None:
    for part in CLAIMS["threads-efficiency-falls"].parts:
        falling = solved(part, lambda number, region: 0.9 * region.high)
        kept = solved(part, lambda number, region: 1.1 * region.high)
        assert judge_part(part, falling).verdict == "holds"
        assert judge_part(part, kept).verdict == "does not hold"
