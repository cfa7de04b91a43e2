"""Faulty engines: the reference with one deliberate mistake each. The equivalence gate must refuse them all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engines.frameworks import reference
from engines.layers import numpy_passes, numpy_sequences
from engines.layers.numpy import Layers
from engines.layers.numpy_passes import Pass
from engines.networks import Convolution, Dense, Layer
from engines.networks.kinds import BatchNormalisation, CausalAttention, Gru, Lstm, Residual
from engines.networks.kinds.normalisation import EPSILON

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, Samples, TrainingData, Weights

_FAULTY_LAYER = 1


class HonestEngine(reference.Engine):
    """No fault; in float32 its rounding is that of any float32 engine."""


# ---------------------------------------------------------------- in any network


class _ForgetsABias(Layers):
    def one(self, layer: Layer, inputs: Array, own: tuple[Array, ...]) -> Pass:
        if layer is not self.layers[_FAULTY_LAYER]:
            return super().one(layer, inputs, own)
        kernel, bias = own
        outputs, backward = super().one(layer, inputs, (kernel, np.zeros_like(bias)))

        def without_bias(gradient: Array) -> tuple[Array, Weights]:
            inputs_gradient, (kernel_gradient, bias_gradient) = backward(gradient)
            return inputs_gradient, [kernel_gradient, np.zeros_like(bias_gradient)]

        return outputs, without_bias


class ForgottenBias(reference.Engine):
    """One layer adds no bias, and so never trains it."""

    layers_type = _ForgetsABias


class MeanOverTheWrongAxis(reference.Engine):
    """The loss is summed over the samples and divided by the number of classes."""

    def loss_and_gradients(self, inputs: Samples, labels: NDArray[np.int64]) -> tuple[float, Weights]:
        loss, gradients = super().loss_and_gradients(inputs, labels)
        wrong = len(labels) / len(self._weights[-1])
        return loss * wrong, [gradient * wrong for gradient in gradients]


class OffByOneBatch(reference.Engine):
    """Each batch starts and ends one sample too late."""

    def _batches(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        return super()._batches(np.roll(order, -1))


class _LeavesAReluOut(Layers):
    def one(self, layer: Layer, inputs: Array, own: tuple[Array, ...]) -> Pass:
        if isinstance(layer, Dense) and layer is self._first_dense():
            return super().one(replace(layer, relu=False), inputs, own)
        return super().one(layer, inputs, own)

    def _first_dense(self) -> Layer:
        return next(layer for layer in self.layers if not isinstance(layer, Convolution))


class ReluLeftOut(reference.Engine):
    """One hidden dense layer is linear."""

    layers_type = _LeavesAReluOut


class SharedWeights(reference.Engine):
    """Two layers train one and the same tensor: the first pair of hidden tensors of one shape."""

    def build(self, weights: Weights, data: TrainingData) -> None:
        super().build(weights, data)
        first, second = _pair_of_one_shape(self._weights)
        self._weights[second] = self._weights[first]


class LearningRateOffByOnePercent(reference.Engine):
    def _update(self, gradients: Weights) -> None:
        super()._update([gradient * 1.01 for gradient in gradients])


FAULTS: tuple[type[reference.Engine], ...] = (
    ForgottenBias,
    MeanOverTheWrongAxis,
    OffByOneBatch,
    ReluLeftOut,
    SharedWeights,
    LearningRateOffByOnePercent,
)


def _pair_of_one_shape(weights: Weights) -> tuple[int, int]:
    """Kernels if there are two alike, else biases."""
    candidates = [*range(0, len(weights), 2), *range(1, len(weights), 2)]
    shapes = [weights[index].shape for index in candidates]
    pair = next((i, j) for i, one in enumerate(shapes) for j in range(i + 1, len(shapes)) if shapes[j] == one)
    return candidates[pair[0]], candidates[pair[1]]


# ---------------------------------------------------------------- in one kind of layer


class _OtherOrderOfGates(Layers):
    def one(self, layer: Layer, inputs: Array, own: tuple[Array, ...]) -> Pass:
        if not isinstance(layer, (Lstm, Gru)):
            return super().one(layer, inputs, own)
        outputs, backward = super().one(layer, inputs, tuple(_two_swapped(each, layer.gates) for each in own))

        def swapped_back(gradient: Array) -> tuple[Array, Weights]:
            into, gradients = backward(gradient)
            return into, [_two_swapped(each, layer.gates) for each in gradients]

        return outputs, swapped_back


def _two_swapped(array: Array, gates: int) -> Array:
    first, second, *others = np.split(array, gates, axis=-1)
    return np.concatenate([second, first, *others], axis=-1)


class GatesInAnotherOrder(reference.Engine):
    """The recurrent layers take their first gate for the second."""

    layers_type = _OtherOrderOfGates


class _LooksOneStepAhead(Layers):
    def one(self, layer: Layer, inputs: Array, own: tuple[Array, ...]) -> Pass:
        if not isinstance(layer, CausalAttention):
            return super().one(layer, inputs, own)
        return numpy_sequences.causal_attention(layer, inputs, *own, ahead=1)


class MaskLooksOneStepAhead(reference.Engine):
    """Attention sees the position behind each as well."""

    layers_type = _LooksOneStepAhead


class _StatisticsOfTheWrongAxis(Layers):
    def one(self, layer: Layer, inputs: Array, own: tuple[Array, ...]) -> Pass:
        if not isinstance(layer, BatchNormalisation):
            return super().one(layer, inputs, own)
        # Over samples and rows alone: each column has a mean of its own.
        return numpy_passes.batch_normalisation(layer, inputs, *own, axes=(0, 1))


class StatisticsOfTheWrongAxis(reference.Engine):
    """Batch normalisation forgets to go over the columns of the images."""

    layers_type = _StatisticsOfTheWrongAxis


class _LeavesAShortcutOut(Layers):
    def one(self, layer: Layer, inputs: Array, own: tuple[Array, ...]) -> Pass:
        first = next((each for each in self.layers if isinstance(each, Residual)), None)
        return self._through(layer.body, inputs, own) if layer is first and first else super().one(layer, inputs, own)


class ShortcutLeftOut(reference.Engine):
    """The first way around some layers is missing."""

    layers_type = _LeavesAShortcutOut


class _LargeEpsilon(Layers):
    def one(self, layer: Layer, inputs: Array, own: tuple[Array, ...]) -> Pass:
        if not isinstance(layer, BatchNormalisation):
            return super().one(layer, inputs, own)
        return numpy_passes.batch_normalisation(layer, inputs, *own, epsilon=100 * EPSILON)


class EpsilonAHundredTimesLarger(reference.Engine):
    """Batch normalisation adds 1e-3 to the variance."""

    layers_type = _LargeEpsilon


class RunningStatisticsStandStill(reference.Engine):
    """Batch normalisation never notes what it saw."""

    def _update(self, gradients: Weights) -> None:
        known = zip(self._known, gradients, strict=True)
        super()._update([gradient if each.is_trained else np.zeros_like(gradient) for each, gradient in known])


class StatisticsOfTheBatch(reference.Engine):
    """Asked, batch normalisation still goes by the batch, as in training."""

    def scores(self, inputs: Samples) -> Array:
        return self._layers.forward(self._as_fed(inputs), self._weights, training=True)[0]


FAULTS_WHEN_ASKED: tuple[tuple[str, type[reference.Engine]], ...] = (
    ("mlp", ForgottenBias),
    ("cnn", ReluLeftOut),
    ("lstm", GatesInAnotherOrder),
    ("gru", GatesInAnotherOrder),
    ("transformer", MaskLooksOneStepAhead),
    ("resnet", ShortcutLeftOut),
    ("resnet", StatisticsOfTheBatch),
)
"""The family, and a fault that shows in its scores."""

FAULTS_OF_KINDS: tuple[tuple[str, type[reference.Engine]], ...] = (
    ("lstm", GatesInAnotherOrder),
    ("gru", GatesInAnotherOrder),
    ("transformer", MaskLooksOneStepAhead),
    ("transformer", ShortcutLeftOut),
    ("resnet", ShortcutLeftOut),
    ("resnet", StatisticsOfTheWrongAxis),
    ("resnet", EpsilonAHundredTimesLarger),
    ("resnet", RunningStatisticsStandStill),
)
"""The family whose networks have such a layer, and the fault."""


# ---------------------------------------------------------------- in an optimizer


class MomentumForgotten(reference.Engine):
    def _sgd(self, number: int, gradient: Array) -> Array:
        return -self._setup.optimizer.learning_rate * gradient


class NesterovsMomentum(reference.Engine):
    """Looks ahead, as one option of every framework does."""

    def _sgd(self, number: int, gradient: Array) -> Array:
        step = super()._sgd(number, gradient)
        rate, momentum = self._setup.optimizer.learning_rate, self._setup.optimizer.momentum
        return momentum * step - rate * gradient


class BiasCorrectionForgotten(reference.Engine):
    def _adam(self, number: int, gradient: Array) -> Array:
        self._steps += 10_000
        step = super()._adam(number, gradient)
        self._steps -= 10_000
        return step


class AdamsEpsilonAHundredTimesLarger(reference.Engine):
    epsilon = 100 * reference.Engine.epsilon


FAULTS_OF_OPTIMIZERS: tuple[tuple[str, type[reference.Engine]], ...] = (
    ("momentum", MomentumForgotten),
    ("momentum", NesterovsMomentum),
    ("adam", BiasCorrectionForgotten),
    ("adam", AdamsEpsilonAHundredTimesLarger),
)
