"""The passes through layers of any data, forward and backward: products, activations, norms; and the loss."""

from __future__ import annotations

from collections.abc import Callable
from math import erf, pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.networks import Dense, Layer
from engines.networks.kinds import BatchNormalisation, Gelu, LayerNormalisation, Relu
from engines.networks.kinds.normalisation import EPSILON, MOMENTUM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, Weights

Backward = Callable[["Array"], "tuple[Array, Weights]"]
"""From the gradient at a layer's outputs to those at its inputs and at each of its tensors.

A running statistic's is its change instead: what one step adds to it.
"""
Pass = tuple["Array", Backward]

_erf = np.vectorize(erf, otypes=[np.float64])


def dense(layer: Dense, inputs: Array, kernel: Array, bias: Array) -> Pass:
    flat = inputs.reshape(len(inputs), -1)
    outputs = flat @ kernel + bias
    passed = outputs > 0 if layer.relu else np.ones_like(outputs, dtype=bool)

    def backward(gradient: Array) -> tuple[Array, Weights]:
        gradient = gradient * passed
        return (gradient @ kernel.T).reshape(inputs.shape), [flat.T @ gradient, gradient.sum(axis=0)]

    return outputs * passed, backward


def position_dense(layer: Layer, inputs: Array, kernel: Array, bias: Array) -> Pass:
    def backward(gradient: Array) -> tuple[Array, Weights]:
        rows = gradient.reshape(-1, gradient.shape[-1])
        return gradient @ kernel.T, [inputs.reshape(-1, inputs.shape[-1]).T @ rows, rows.sum(axis=0)]

    return inputs @ kernel + bias, backward


def relu(layer: Relu, inputs: Array) -> Pass:
    passed = inputs > 0
    return inputs * passed, lambda gradient: (gradient * passed, [])


def gelu(layer: Gelu, inputs: Array) -> Pass:
    probability = ((1 + _erf(inputs / sqrt(2))) / 2).astype(inputs.dtype)
    density = np.exp(-(inputs**2) / 2) / sqrt(2 * pi)
    return inputs * probability, lambda gradient: (gradient * (probability + inputs * density), [])


def sigmoid(values: Array) -> Array:
    """Without an overflow for any value."""
    return (1 + np.tanh(values / 2)) / 2


# ---------------------------------------------------------------- normalisation


def batch_normalisation(
    layer: BatchNormalisation,
    inputs: Array,
    scale: Array,
    offset: Array,
    mean: Array,
    variance: Array,
    *,
    axes: tuple[int, ...] = (0, 1, 2),
    epsilon: float = EPSILON,
) -> Pass:
    normal, back, batch_mean, batch_variance = _normalised(inputs, axes, epsilon)
    others = tuple(range(inputs.ndim - 1))

    def backward(gradient: Array) -> tuple[Array, Weights]:
        means = [part.reshape(-1, len(mean)).mean(axis=0) for part in (batch_mean, batch_variance)]
        changes = [(1 - MOMENTUM) * (now - before) for now, before in zip(means, (mean, variance), strict=True)]
        own = [(gradient * normal).sum(axis=others), gradient.sum(axis=others), *changes]
        return back(gradient * scale), own

    return normal * scale + offset, backward


def as_trained(
    layer: BatchNormalisation, inputs: Array, scale: Array, offset: Array, mean: Array, variance: Array
) -> Pass:
    """By the running statistics, when a trained network is asked."""

    def backward(gradient: Array) -> tuple[Array, Weights]:
        raise NotImplementedError("A trained network that is asked has no gradients.")

    return (inputs - mean) / np.sqrt(variance + EPSILON) * scale + offset, backward


def layer_normalisation(layer: LayerNormalisation, inputs: Array, scale: Array, offset: Array) -> Pass:
    normal, back, _, _ = _normalised(inputs, (inputs.ndim - 1,), EPSILON)
    others = tuple(range(inputs.ndim - 1))

    def backward(gradient: Array) -> tuple[Array, Weights]:
        return back(gradient * scale), [(gradient * normal).sum(axis=others), gradient.sum(axis=others)]

    return normal * scale + offset, backward


def _normalised(
    inputs: Array, axes: tuple[int, ...], epsilon: float
) -> tuple[Array, Callable[[Array], Array], Array, Array]:
    """Less its mean, by its deviation; the way back; mean and variance, with n, over the axes."""
    mean, variance = inputs.mean(axis=axes, keepdims=True), inputs.var(axis=axes, keepdims=True)
    deviation = np.sqrt(variance + epsilon)
    normal = (inputs - mean) / deviation

    def back(gradient: Array) -> Array:
        of_mean = gradient.mean(axis=axes, keepdims=True)
        of_variance = (gradient * normal).mean(axis=axes, keepdims=True)
        return np.asarray((gradient - of_mean - normal * of_variance) / deviation)

    return normal, back, mean.squeeze(axes), variance.squeeze(axes)


# ---------------------------------------------------------------- the loss


def softmax_cross_entropy(logits: Array, labels: NDArray[np.int64]) -> tuple[float, Array]:
    """Mean loss over the batch (and over positions, where each has a label), and its gradient at the logits."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_probabilities: NDArray[np.floating[Any]] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    of_labels = np.take_along_axis(log_probabilities, labels[..., None], axis=-1)
    gradient = np.exp(log_probabilities)
    np.put_along_axis(
        gradient, labels[..., None], np.take_along_axis(gradient, labels[..., None], axis=-1) - 1, axis=-1
    )
    return float(-of_labels.mean()), gradient / labels.size
