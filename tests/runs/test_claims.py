"""The study's claims on made-up times: what follows a claim supports it, what contradicts it does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf, log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.contract import Device, Network, NetworkType
from runs.recommendation import Missing, MissingStatus
from runs.stats import LogSamples, equivalence_region
from runs.study.claims import CLAIMS, Hardware, JudgedClaim, Measured, Place, judge_claim, judge_claims
from runs.study.claims.declared import KTF, KTH, TF, TH
from runs.study.claims.judgements import GpuSpeedUp, GpuSpeedUpGrows, ThreadSpeedUp, Versus
from runs.study.claims.notes import FED_FROM_HOST, NOT_SHUFFLED, TABLES_AGREE_PARTLY, TWO_MACHINES, VALIDATED_INSIDE
from runs.study.claims.questions import Grid, Judgement, Question
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
from runs.study.published import published, speed_ups

PARTS = [
    pytest.param(part, id=f"{name}-{number}")
    for name, claim in CLAIMS.items()
    for number, part in enumerate(claim.parts)
]
CLAIM_OF = {claim.id: claim for claim in published().claims}
DOCUMENT = Path(__file__).parents[2] / "docs" / "claims.md"

MLP_8X100 = Network("mlp", 8, 100)
SMALL_GRID = Grid("mlp", "cpu", (8,), (25, 50, 100, 200))


def runs_of(log_seconds: float, runs: int = 3) -> LogSamples:
    """Runs that differ by about 0.5 %, each in a block of its own."""
    return LogSamples(tuple(log_seconds + 0.0025 * ((7 * run) % 5 - 2) for run in range(runs)), tuple(range(runs)))


# ---------------------------------------------------------------- made-up times for one judgement


def solved(part: Judgement, target: Callable[[int, Region], float], runs: int = 3) -> Measured:
    """Times that give each of the part's ratios the target: questions are linear in the logarithms of times."""
    questions = list(part.questions())
    places = list(dict.fromkeys(place for question in questions for place in question.places))
    rows = np.array([coefficients(question, places) for question in questions])
    wanted = np.array([log(target(number, question.region)) for number, question in enumerate(questions)])
    times, *_ = np.linalg.lstsq(rows, wanted, rcond=None)
    assert np.allclose(rows @ times, wanted), "these targets contradict each other"
    return Measured({place: runs_of(float(time), runs) for place, time in zip(places, times, strict=True)})


def coefficients(question: Question, places: Sequence[Place]) -> list[float]:
    row = dict.fromkeys(places, 0.0)
    for pair in question.pairs:
        row[pair.candidate] += question.exponent / len(question.pairs)
        row[pair.baseline] -= question.exponent / len(question.pairs)
    return list(row.values())


def inside(_: int, region: Region) -> float:
    if region.high == inf:
        return region.low * 1.2
    return region.high / 1.2 if region.low == 0 else float(np.sqrt(region.low * region.high))


def outside(_: int, region: Region) -> float:
    return region.low / 1.2 if region.high == inf else region.high * 1.2


def half(number: int, region: Region) -> float:
    return (outside if number % 2 else inside)(number, region)


@pytest.mark.parametrize("part", PARTS)
def test_times_that_follow_a_claim_support_it(part: Judgement) -> None:
    found = judge_part(part, solved(part, inside))
    assert found.verdict == "holds"
    assert {each.answer for each in found.evidence} == {"agrees"}


@pytest.mark.parametrize("part", PARTS)
def test_times_that_contradict_a_claim_do_not(part: Judgement) -> None:
    found = judge_part(part, solved(part, outside))
    assert found.verdict == "does not hold"
    assert {each.answer for each in found.evidence} == {"disagrees"}


@pytest.mark.parametrize("part", [each for each in PARTS if len(list(each.values[0].questions())) > 1])  # type: ignore[union-attr]
def test_times_that_follow_it_by_half_are_mixed_unless_one_is_enough(part: Judgement) -> None:
    assert judge_part(part, solved(part, half)).verdict == ("holds" if part.quorum == "any" else "mixed")


@pytest.mark.parametrize("part", PARTS)
def test_two_runs_are_not_enough(part: Judgement) -> None:
    found = judge_part(part, solved(part, inside, runs=2))
    assert found.verdict == "not enough runs"
    assert all(each.ratio and each.ratio.low is None for each in found.evidence)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("status", ["unsupported", "out_of_memory", "crashed"])
def test_what_was_tried_in_vain_cannot_be_measured(part: Judgement, status: MissingStatus) -> None:
    cells = dict.fromkeys(solved(part, inside).cells, Missing(status, "No."))
    assert judge_part(part, Measured(cells)).verdict == "cannot be measured today"


@pytest.mark.parametrize("part", PARTS)
def test_nothing_run_is_not_enough_runs(part: Judgement) -> None:
    assert judge_part(part, Measured({})).verdict == "not enough runs"


# ---------------------------------------------------------------- whole claims in the study's world


def study_seconds(place: Place) -> float:
    """Times after the study's findings, made up so that every one of its claims is true at once."""
    network = place.network
    seconds = _MODELS[network.type, place.device](place.engine, network.hidden_layers, network.width)
    return seconds / _thread_speed_up(network, place.threads)


def _mlp_gpu(engine: str, layers: int, width: int) -> float:
    narrow = {TH: 1.2, TF: 1.0, KTH: 1.05, KTF: 1.3}
    widest = {TH: 20.0, TF: 10.0, KTH: 15.0, KTF: 19.0}
    return float((widest if width == 1600 else narrow)[engine] * layers**0.3)


def _mlp_cpu(engine: str, layers: int, width: int) -> float:
    return float({TH: 1.3, TF: 1.0, KTH: 1.0, KTF: 1.02}[engine] * 0.0025 * layers**2 * width)


def _cnn_gpu(engine: str, layers: int, width: int) -> float:
    factor = {TH: 1.4 if layers == 1 else 1.02, TF: 1.0, KTH: 2.0 if width == 64 else 1.3, KTF: 1.02}
    return float(factor[engine] * width**0.05)


def _cnn_cpu(engine: str, layers: int, width: int) -> float:
    theano = {2: 1.1, 4: 1.1, 8: 1.1, 16: 1.5, 32: 2.0}[width]
    factor = {TH: theano, TF: 1.0, KTH: 1.2 * theano, KTF: 1.02}
    return factor[engine] * 20 * layers * {2: 1.0, 4: 1.5, 8: 2.0, 16: 2.3, 32: 4.0}[width]


_MODELS: Mapping[tuple[NetworkType, Device], Callable[[str, int, int], float]] = {
    ("mlp", "gpu"): _mlp_gpu,
    ("mlp", "cpu"): _mlp_cpu,
    ("cnn", "gpu"): _cnn_gpu,
    ("cnn", "cpu"): _cnn_cpu,
}


def _thread_speed_up(network: Network, threads: int) -> float:
    if network.type == "mlp":
        wide = {1: 1.0, 2: 1.3, 4: 1.6, 6: 1.75, 8: 1.81, 10: 1.7, 12: 1.5}
        return wide[threads] if network.width > 100 else 1.0
    wide = {1: 1.0, 2: 1.2, 4: 1.4, 6: 1.3, 8: 1.2, 10: 1.1, 12: 1.0}
    return wide[threads] if network.width >= 8 else 1 / (1 + 0.05 * (threads - 1) + 0.1 * (threads > 1))


def every_place() -> list[Place]:
    questions = [question for claim in CLAIMS.values() for part in claim.parts for question in part.questions()]
    return list(dict.fromkeys(place for question in questions for place in question.places))


def study_world(runs: int = 3) -> Measured:
    return Measured({place: runs_of(log(study_seconds(place)), runs) for place in every_place()})


def verdicts(measured: Measured, rope: float = 0.05) -> dict[str, ClaimVerdict]:
    return {claim.id: claim.verdict for claim in judge_claims(published(), measured, rope=rope)}


def test_every_claim_of_the_study_is_declared_and_no_other() -> None:
    assert list(CLAIMS) == [claim.id for claim in published().claims]
    assert all(claim.parts for claim in CLAIMS.values())


def test_in_the_studys_world_every_claim_holds() -> None:
    assert set(verdicts(study_world()).values()) == {"holds"}


def test_where_all_cells_take_the_same_time_only_likeness_holds() -> None:
    found = verdicts(Measured(dict.fromkeys(every_place(), runs_of(0.0))))
    holding = {name for name, verdict in found.items() if verdict == "holds"}
    assert holding == {
        "mlp-gpu-flat-until-400",
        "mlp-cpu-kth-ties-ktf",
        "mlp-cpu-tf-ties-ktf",
        "mlp-threads-useless-when-narrow",
        "cnn-gpu-th-ties-tf-two-layers",
        "cnn-gpu-tf-ties-ktf",
        "cnn-cpu-tf-ties-ktf",
        "cnn-cpu-tf-8-to-16-cheap",
        "threads-bring-little",
        "keras-matches-tensorflow-mostly",
        "tensorflow-suits-all",
    }


def test_two_blocks_of_the_whole_study_are_not_enough_for_any_claim() -> None:
    assert set(verdicts(study_world(runs=2)).values()) == {"not enough runs"}


def test_without_a_gpu_its_claims_cannot_be_measured_and_those_on_the_cpu_can() -> None:
    cells = {place: samples for place, samples in study_world().cells.items() if place.device == "cpu"}
    for name, verdict in verdicts(Measured(cells, Hardware(gpus=0))).items():
        touches_gpu = any("gpu" in {place.device for place in places_of(part)} for part in CLAIMS[name].parts)
        assert verdict == ("cannot be measured today" if touches_gpu else "holds"), name


def test_with_too_few_cores_the_peaks_cannot_be_measured() -> None:
    cells = {place: samples for place, samples in study_world().cells.items() if place.threads <= 4}
    found = verdicts(Measured(cells, Hardware(threads=4)))
    about_threads = {name: verdict for name, verdict in found.items() if "threads" in name}
    assert set(about_threads.values()) == {"cannot be measured today"}


def test_without_a_gpu_build_of_theano_what_is_left_is_judged_if_it_is_half() -> None:
    refused = Missing("unsupported", "No GPU build of Theano.")
    cells: dict[Place, LogSamples | Missing] = {
        place: refused if place.device == "gpu" and "theano" in place.engine else samples
        for place, samples in study_world().cells.items()
    }
    found = verdicts(Measured(cells))
    assert found["mlp-gpu-flat-until-400"] == found["cnn-gpu-tf-ties-ktf"] == found["tensorflow-suits-all"] == "holds"
    assert found["mlp-gpu-kth-beats-th"] == found["cnn-gpu-th-one-layer-anomaly"] == "cannot be measured today"


def test_the_published_tables_agree_as_they_are_said_to() -> None:
    """A table's speed-up is one CPU time over one GPU time: given as three equal runs, it is a measurement."""
    cells: dict[Place, LogSamples | Missing] = {}
    for value in speed_ups(published()):
        network = Network(value.network_type, value.hidden_layers, value.width)
        cells[Place(value.engine, network, "gpu")] = LogSamples((0.0,) * 3)
        cells[Place(value.engine, network, "cpu")] = LogSamples((log(value.speed_up),) * 3)
    checkable = {
        name: CLAIM_OF[name].published_tables_agree
        for name, claim in CLAIMS.items()
        if all(isinstance(part, GpuSpeedUp | GpuSpeedUpGrows) for part in claim.parts)
        and all(place in cells for part in claim.parts for place in places_of(part))
    }
    assert checkable == {
        "mlp-layers-cost-more-on-cpu": "yes",
        "mlp-gpu-always-faster-when-deep": "yes",
        "cnn-gpu-always-faster": "partly",
    }
    found = verdicts(Measured(cells))
    assert {name: {"holds": "yes", "mixed": "partly"}.get(found[name]) for name in checkable} == checkable


def places_of(part: Judgement) -> set[Place]:
    return {place for question in part.questions() for place in question.places}


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
        ("mlp-threads-useless-when-narrow", ()),
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


# ---------------------------------------------------------------- the document


@pytest.mark.parametrize("name", CLAIMS)
def test_the_document_tells_each_claims_judgement(name: str) -> None:
    rows = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{name}` |")]
    assert len(rows) == 1
    assert all(part.words in rows[0] for part in CLAIMS[name].parts)
