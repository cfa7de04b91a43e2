"""The reference network against finite differences and hand-made cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import equivalence, networks
from engines.contract import Network, Option, Setup, TrainingData
from engines.frameworks import reference
from engines.layers import numpy_images as images
from engines.layers import numpy_passes as passes
from engines.networks import Convolution

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, Weights

NETWORKS = [
    *(Network("mlp", 1, 3), Network("mlp", 3, 5), Network("cnn", 1, 1), Network("cnn", 2, 1)),
    *(Network("resnet", 1, 2), Network("lstm", 2, 3), Network("gru", 2, 3)),
    Network("transformer", 1, 8, (Option("context", 5), Option("heads", 2))),
]
STEP = 1e-6


def engine_on(network: Network, seed: int, batch_size: int = 3) -> tuple[reference.Engine, TrainingData]:
    generator = np.random.default_rng(seed)
    setup = Setup("reference", network, batch_size=batch_size, dtype="float64")
    data = equivalence.make_data(setup, "random", samples=batch_size, seed=seed)
    engine = reference.Engine(setup)
    weights: Weights = [
        w + generator.normal(0, 0.1, w.shape) for w in networks.initial_weights(network, seed, "float64")
    ]
    engine.build(weights, data)
    return engine, data


def loss_along(
    engine: reference.Engine, data: TrainingData, weights: Weights, direction: Weights, step: float
) -> float:
    moved: Weights = [w + step * d for w, d in zip(weights, direction, strict=True)]
    engine.build(moved, data)
    return engine.loss_and_gradients(data.train_inputs, data.train_labels)[0]


@pytest.mark.parametrize("network", NETWORKS, ids=str)
@pytest.mark.parametrize("seed", [0, 1])
def test_each_tensors_gradient_is_the_slope_of_the_loss(network: Network, seed: int) -> None:
    engine, data = engine_on(network, seed)
    weights = engine.weights()
    _, gradients = engine.loss_and_gradients(data.train_inputs, data.train_labels)
    known = networks.parameters_of(network)
    for index, gradient in enumerate(gradients):
        if not known[index].is_trained:
            continue
        direction = [np.zeros_like(weight) for weight in weights]
        direction[index] = np.random.default_rng(index).standard_normal(gradient.shape)
        ahead, behind = (loss_along(engine, data, weights, direction, step) for step in (STEP, -STEP))
        slope = float(np.sum(gradient * direction[index]))
        assert (ahead - behind) / (2 * STEP) == pytest.approx(slope, rel=1e-5, abs=1e-8)


def test_a_step_takes_the_learning_rate_times_the_gradient() -> None:
    engine, data = engine_on(Network("mlp", 2, 4), seed=3)
    before = engine.weights()
    _, gradients = engine.loss_and_gradients(data.train_inputs, data.train_labels)
    engine.train_epoch(np.arange(3))
    for old, new, gradient in zip(before, engine.weights(), gradients, strict=True):
        np.testing.assert_allclose(new, old - 1e-3 * gradient, rtol=1e-14)


def test_a_short_last_batch_is_dropped() -> None:
    engine, _ = engine_on(Network("mlp", 1, 3), seed=4, batch_size=3)
    engine.train_epoch(np.array([0, 1, 2, 0, 1, 2, 0, 1]))
    assert len(engine.step_losses()) == 2


@given(logits=st.lists(st.lists(st.floats(-500, 500), min_size=4, max_size=4), min_size=1, max_size=5))
def test_softmax_cross_entropy_is_finite_and_its_gradient_sums_to_zero(logits: list[list[float]]) -> None:
    array = np.array(logits)
    loss, gradient = passes.softmax_cross_entropy(array, np.zeros(len(array), np.int64))
    assert np.isfinite(loss)
    assert loss >= -1e-12
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-12)


def pool_gradient(image: list[list[float]], ties: images.Ties) -> NDArray[np.floating[Any]]:
    pooled, unpool = images.max_pool(np.array(image)[None, :, :, None], ties)
    return unpool(np.ones_like(pooled))[0, :, :, 0]


def test_a_tie_sends_the_gradient_to_the_first_or_to_each() -> None:
    flat: list[list[float]] = [[2, 2], [1, 2]]
    assert pool_gradient(flat, "first").tolist() == [[1, 0], [0, 0]]
    assert pool_gradient(flat, "each").tolist() == [[1, 1], [0, 1]]


def test_pooling_leaves_an_odd_edge_out() -> None:
    assert pool_gradient([[1, 2, 9], [3, 4, 9], [9, 9, 9]], "first").tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_a_convolution_correlates_and_does_not_turn_its_kernel() -> None:
    image: Array = np.zeros((1, 6, 6, 1))
    image[0, 0, 0, 0] = 1.0
    kernel: Array = np.zeros((5, 5, 1, 1))
    kernel[0, 0] = 3.0
    outputs, _ = images.convolution(Convolution((6, 6, 1), 1), image, kernel, np.zeros(1), ties="first")
    assert outputs.tolist() == [[[[3.0]]]]


def test_evaluation_is_mean_loss_and_share_of_right_answers() -> None:
    engine, data = engine_on(Network("mlp", 1, 3), seed=5, batch_size=8)
    evaluation = engine.evaluate()
    assert evaluation.loss == pytest.approx(engine.loss_and_gradients(data.test_inputs, data.test_labels)[0])
    assert (evaluation.accuracy * 8).is_integer()
