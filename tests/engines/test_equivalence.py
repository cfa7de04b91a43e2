"""The gate passes an honest engine and refuses each planted fault by a wide margin."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import equivalence, networks
from engines.contract import Network, Optimizer, SampleShape, Setup, as_json
from engines.equivalence import BEYOND, Counts, Trace
from engines.frameworks import reference
from engines.layers.numpy_images import Ties as TieRule
from engines.tolerances import SEMANTICS, TIMED_PATH, plan_of
from tests.engines.planted import (
    FAULTS,
    FAULTS_OF_KINDS,
    FAULTS_OF_OPTIMIZERS,
    FAULTS_WHEN_ASKED,
    HonestEngine,
    LearningRateOffByOnePercent,
)

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from numpy.typing import NDArray

DType = Literal["float32", "float64"]
DTYPES: tuple[DType, ...] = ("float64", "float32")
MLP = Network("mlp", 3, 25)
CNN = Network("cnn", 2, 1)
COUNTS = Counts(1, 1, 1, 1)
KINDS: tuple[equivalence.DataKind, ...] = ("random", "flat")


def setup(network: Network, dtype: DType) -> Setup:
    return Setup("reference", network, dtype=dtype)


@pytest.mark.parametrize("network", [MLP, CNN], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_honest_engine_passes(network: Network, dtype: DType) -> None:
    report = equivalence.check(HonestEngine, setup(network, dtype))
    assert report.passed
    assert [result.data for result in report.checks] == ["random", "flat"]
    assert {result.check for result in report.checks} == {plan_of(setup(network, dtype)).name}


def test_the_gate_checks_grey_images_as_well() -> None:
    grey = dataclasses.replace(setup(CNN, "float64"), sample=SampleShape((28, 28, 1), 10))
    assert equivalence.check(HonestEngine, grey).passed
    assert not equivalence.check(LearningRateOffByOnePercent, grey).passed


@pytest.mark.parametrize("network", [MLP, CNN], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_fails_by_a_wide_margin(fault: type[reference.Engine], network: Network, dtype: DType) -> None:
    margin = 1000 if dtype == "float64" else 2.5
    report = equivalence.check(fault, setup(network, dtype))
    for result in report.checks:
        assert not result.passed
        assert len(result.draws) == plan_of(setup(network, dtype)).draws
        assert result.differences.updates > margin * result.tolerance.updates


def families_setup(family: str, optimizer: Optimizer, dtype: DType) -> Setup:
    return Setup("reference", networks.of_type(family).gate[0], optimizer=optimizer, dtype=dtype)


@pytest.mark.parametrize("family", ["resnet", "lstm", "gru", "transformer"])
@pytest.mark.parametrize("optimizer", [Optimizer(), Optimizer(momentum=0.9), Optimizer("adam")], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_honest_engine_passes_on_every_family(family: str, optimizer: Optimizer, dtype: DType) -> None:
    assert equivalence.check(HonestEngine, families_setup(family, optimizer, dtype)).passed


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("family", "fault"), FAULTS_OF_KINDS)
def test_a_fault_in_one_kind_of_layer_fails_by_a_wide_margin(
    family: str, fault: type[reference.Engine], dtype: DType
) -> None:
    margin = 1000 if dtype == "float64" else 2.5
    for result in equivalence.check(fault, families_setup(family, Optimizer(), dtype)).checks:
        assert not result.passed
        assert result.differences.updates > margin * result.tolerance.updates


def asked(family: str, dtype: DType) -> Setup:
    return Setup("reference", networks.of_type(family).gate[0], dtype=dtype, task="infer")


@pytest.mark.parametrize("family", list(networks.ARCHITECTURES))
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_honest_engine_that_is_asked_passes_by_its_scores(family: str, dtype: DType) -> None:
    report = equivalence.check(HonestEngine, asked(family, dtype))
    assert report.passed
    assert [(result.check, result.data) for result in report.checks] == [("scores", "random")]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("family", "fault"), FAULTS_WHEN_ASKED)
def test_a_fault_shows_in_the_scores_by_a_wide_margin(family: str, fault: type[reference.Engine], dtype: DType) -> None:
    (result,) = equivalence.check(fault, asked(family, dtype)).checks
    assert not result.passed
    assert result.differences.scores > 10 * result.tolerance.scores


@pytest.mark.parametrize(("kind", "fault"), FAULTS_OF_OPTIMIZERS)
def test_a_fault_in_an_optimizer_fails_by_a_wide_margin(kind: str, fault: type[reference.Engine]) -> None:
    optimizer = Optimizer("adam") if kind == "adam" else Optimizer(momentum=0.9)
    for result in equivalence.check(fault, families_setup("lstm", optimizer, "float64")).checks:
        assert not result.passed
        assert result.differences.updates > 1000 * result.tolerance.updates


@pytest.mark.parametrize("correction", ["moments", "rate"])
def test_adams_bias_correction_may_stand_in_either_place(correction: reference.Correction) -> None:
    setup = families_setup("gru", Optimizer("adam"), "float64")
    assert equivalence.check(lambda setup: reference.Engine(setup, correction=correction), setup).passed


@pytest.mark.parametrize(("ties", "stated"), [("first", "once"), ("each", "each")])
def test_what_an_engine_does_with_ties_is_stated(ties: TieRule, stated: str) -> None:
    report = equivalence.check(lambda setup: reference.Engine(setup, ties), setup(CNN, "float64"))
    assert report.passed
    assert [result.ties for result in report.checks] == ["not shown", stated]


def test_an_engine_that_trains_on_a_short_last_batch_fails_by_its_counts() -> None:
    class KeepsTheShortBatch(HonestEngine):
        def train_epoch(self, order: NDArray[np.int64]) -> None:
            super().train_epoch(order)
            self._losses.append(self._train_step(order[len(order) // 100 * 100 :]))

    result = equivalence.check(KeepsTheShortBatch, setup(MLP, "float64")).checks[0]
    assert not result.passed
    assert result.counts.steps == result.expected_counts.steps + 2
    assert result.differences.losses == BEYOND


def test_a_draw_that_fails_by_chance_is_drawn_again_and_kept_in_the_report() -> None:
    made = iter([LearningRateOffByOnePercent, HonestEngine, HonestEngine])
    report = equivalence.check(lambda setup: next(made)(setup), setup(MLP, "float32"))
    assert report.passed
    assert [len(result.draws) for result in report.checks] == [2, 1]
    assert report.checks[0].draws[0].updates > TIMED_PATH.tolerance.updates


def test_a_loss_that_is_not_a_number_fails_and_the_report_is_still_json() -> None:
    class Diverges(HonestEngine):
        def step_losses(self) -> list[float]:
            return [float("nan")] * len(super().step_losses())

    report = equivalence.check(Diverges, setup(MLP, "float64"))
    document = json.loads(as_json(report))
    assert document["passed"] is False
    assert document["checks"][0]["differences"]["losses"] == BEYOND


@pytest.mark.parametrize("network", [MLP, CNN, Network("cnn", 1, 2)], ids=str)
def test_counts_by_the_weights_are_those_of_the_description(network: Network) -> None:
    described = setup(network, "float32")
    weights = networks.initial_weights(network, 0)
    counts = equivalence.counts(described, weights, steps=5)
    samples = 5 * described.batch_size
    flops = networks.flops_per_epoch(network, samples=samples, batch_size=described.batch_size)
    assert counts == Counts(networks.parameters(network), flops, samples, 5)


def test_a_network_of_another_shape_is_as_different_as_can_be() -> None:
    one, other = (Trace([1.0], ["kernel"], [np.zeros(n)], [np.ones(n)], COUNTS) for n in (2, 3))
    assert equivalence.difference(one, other).weights == BEYOND


def test_flat_images_hold_zeros_and_random_ones_do_not() -> None:
    zeros = {
        kind: (equivalence.make_data(setup(CNN, "float32"), kind, samples=3).train_inputs == 0)
        for kind in ("random", "flat")
    }
    assert zeros["random"].sum() == 0
    assert zeros["flat"].sum(axis=(1, 2, 3)).tolist() == [12 * 12 * 3] * 3


@given(scale=st.floats(1e-12, 1e-2))
def test_a_difference_is_relative_to_what_was_expected(scale: float) -> None:
    start, end = [np.array([1.0, 2.0])], [np.array([4.0, 6.0])]
    off = [start[0] + (end[0] - start[0]) * (1 + scale)]
    expected, found = (
        Trace([2.0 * factor], ["kernel"], start, last, COUNTS) for factor, last in ((1, end), (1 + scale, off))
    )
    differences = equivalence.difference(expected, found)
    assert differences.updates == pytest.approx(scale, rel=1e-3, abs=1e-15)
    assert differences.losses == pytest.approx(scale, rel=1e-3, abs=1e-15)


def test_a_verdict_needs_every_difference_within_its_tolerance() -> None:
    tolerance = SEMANTICS.tolerance
    exact = equivalence.Differences(tolerance.losses, tolerance.weights, tolerance.updates, "kernel of layer 1")
    assert equivalence.within(exact, tolerance)
    for name in ("losses", "weights", "updates"):
        beyond = dataclasses.replace(exact, **{name: getattr(exact, name) * 1.01})
        assert not equivalence.within(beyond, tolerance)
