"""Faulty engines: the reference with one deliberate mistake each. The equivalence gate must refuse them all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engines.frameworks import reference
from engines.networks import Convolution, Dense, Layer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, TrainingData, Weights
    from engines.frameworks.reference import Backward

_FAULTY_LAYER = 1


class HonestEngine(reference.Engine):
    """No fault; in float32 its rounding is that of any float32 engine."""


class ForgottenBias(reference.Engine):
    """One layer adds no bias, and so never trains it."""

    def _layer(self, index: int, layer: Layer, own: tuple[Array, ...], inputs: Array) -> tuple[Array, Backward]:
        if index != _FAULTY_LAYER:
            return super()._layer(index, layer, own, inputs)
        kernel, bias = own
        outputs, backward = super()._layer(index, layer, (kernel, np.zeros_like(bias)), inputs)

        def without_bias(gradient: Array) -> tuple[Array, Weights]:
            inputs_gradient, (kernel_gradient, bias_gradient) = backward(gradient)
            return inputs_gradient, [kernel_gradient, np.zeros_like(bias_gradient)]

        return outputs, without_bias


class MeanOverTheWrongAxis(reference.Engine):
    """The loss is summed over the samples and divided by the number of classes."""

    def loss_and_gradients(self, inputs: Array, labels: NDArray[np.int64]) -> tuple[float, Weights]:
        loss, gradients = super().loss_and_gradients(inputs, labels)
        wrong = len(labels) / len(self._weights[-1])
        return loss * wrong, [gradient * wrong for gradient in gradients]


class OffByOneBatch(reference.Engine):
    """Each batch starts and ends one sample too late."""

    def _batches(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        return super()._batches(np.roll(order, -1))


class ReluLeftOut(reference.Engine):
    """One hidden dense layer is linear."""

    def _layer(self, index: int, layer: Layer, own: tuple[Array, ...], inputs: Array) -> tuple[Array, Backward]:
        if index == _first_dense(self._layers) and isinstance(layer, Dense):
            layer = replace(layer, relu=False)
        return super()._layer(index, layer, own, inputs)


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


def _first_dense(layers: tuple[Layer, ...]) -> int:
    return next(index for index, layer in enumerate(layers) if not isinstance(layer, Convolution))


def _pair_of_one_shape(weights: Weights) -> tuple[int, int]:
    """Kernels if there are two alike, else biases."""
    candidates = [*range(0, len(weights), 2), *range(1, len(weights), 2)]
    shapes = [weights[index].shape for index in candidates]
    pair = next((i, j) for i, one in enumerate(shapes) for j in range(i + 1, len(shapes)) if shapes[j] == one)
    return candidates[pair[0]], candidates[pair[1]]
