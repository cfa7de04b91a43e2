"""The study's claims on made-up times: what follows a claim supports it, what contradicts it does not."""

from __future__ import annotations

from math import inf, log
from pathlib import Path

import numpy as np
import pytest

from engines.contract import Network
from runs.stats import LogSamples
from runs.stats.outcomes import Missing, MissingStatus
from runs.study.claims import CLAIMS, Hardware, Measured, Place, judge_claims
from runs.study.claims.judgements import GpuSpeedUp, GpuSpeedUpGrows
from runs.study.claims.questions import Judgement
from runs.study.claims.regions import Region
from runs.study.claims.verdicts import (
    ClaimVerdict,
    judge_part,
)
from runs.study.published import published, speed_ups
from tests.runs.study.claim_cells import every_place, runs_of, solved, study_world

PARTS = [
    pytest.param(part, id=f"{name}-{number}")
    for name, claim in CLAIMS.items()
    for number, part in enumerate(claim.parts)
]
CLAIM_OF = {claim.id: claim for claim in published().claims}
DOCUMENT = Path(__file__).parents[3] / "docs" / "claims.md"


# ---------------------------------------------------------------- made-up times for one judgement


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
        "threads-efficiency-falls",  # to a half with each doubling
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


# ---------------------------------------------------------------- the document


@pytest.mark.parametrize("name", CLAIMS)
def test_the_document_tells_each_claims_judgement(name: str) -> None:
    rows = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{name}` |")]
    assert len(rows) == 1
    assert all(part.words in rows[0] for part in CLAIMS[name].parts)
