"""A plain NumPy network: what every engine must agree with. Written to be read, not to be fast.

Two conventions that the mathematics leaves open: a ReLU has slope 0 at 0, and a pooling window with several equal
maxima sends its gradient to the first of them (`ties="first"`) or, as Theano does, to each (`ties="each"`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engines import networks
from engines.contract import Evaluation
from engines.networks import KERNEL, POOL, Convolution, Dense, Layer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, Setup, TrainingData, Weights

Ties = Literal["first", "each"]
Backward = Callable[["Array"], "tuple[Array, Array, Array]"]
"""From the gradient at a layer's outputs to those at its inputs, kernel and bias."""


class Engine:
    def __init__(self, setup: Setup, ties: Ties = "first") -> None:
        self._setup = setup
        self._ties = ties
        self._layers = networks.layers(setup.network)
        self._losses: list[float] = []

    def build(self, weights: Weights, data: TrainingData) -> None:
        self._weights = [array.astype(self._setup.dtype) for array in weights]
        self._data = data

    def compile(self) -> None:
        """Nothing to compile."""

    def train_epoch(self, order: NDArray[np.int64]) -> None:
        self._losses = [self._train_step(batch) for batch in self._batches(order)]

    def synchronize(self) -> None:
        """NumPy never returns early."""

    def step_losses(self) -> list[float]:
        return self._losses

    def weights(self) -> Weights:
        return [array.copy() for array in self._weights]

    def evaluate(self) -> Evaluation:
        logits, _ = self._forward(self._data.test_inputs)
        loss, _ = softmax_cross_entropy(logits, self._data.test_labels)
        return Evaluation(loss, float(np.mean(logits.argmax(axis=1) == self._data.test_labels)))

    def settings(self) -> Mapping[str, str]:
        return {"ties": self._ties}

    def loss_and_gradients(self, inputs: Array, labels: NDArray[np.int64]) -> tuple[float, Weights]:
        """Mean loss of a batch, and its gradient for each tensor of `weights()`."""
        logits, backwards = self._forward(inputs)
        loss, gradient = softmax_cross_entropy(logits, labels)
        gradients: Weights = []
        for backward in reversed(backwards):
            gradient, kernel_gradient, bias_gradient = backward(gradient)
            gradients = [kernel_gradient, bias_gradient, *gradients]
        return loss, gradients

    def _batches(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        steps = len(order) // self._setup.batch_size
        return order[: steps * self._setup.batch_size].reshape(steps, -1)

    def _train_step(self, batch: NDArray[np.int64]) -> float:
        loss, gradients = self.loss_and_gradients(self._data.train_inputs[batch], self._data.train_labels[batch])
        self._update(gradients)
        return loss

    def _update(self, gradients: Weights) -> None:
        for weight, gradient in zip(self._weights, gradients, strict=True):
            weight -= self._setup.learning_rate * gradient

    def _forward(self, inputs: Array) -> tuple[Array, list[Backward]]:
        activations: Array = inputs.astype(self._setup.dtype)
        backwards: list[Backward] = []
        for index, layer in enumerate(self._layers):
            activations, backward = self._layer(index, layer, activations)
            backwards.append(backward)
        return activations, backwards

    def _layer(self, index: int, layer: Layer, inputs: Array) -> tuple[Array, Backward]:
        kernel, bias = self._weights[2 * index : 2 * index + 2]
        if isinstance(layer, Convolution):
            return convolution(inputs, kernel, bias, self._ties)
        return dense(inputs, kernel, bias, layer)


def dense(inputs: Array, kernel: Array, bias: Array, layer: Dense) -> tuple[Array, Backward]:
    flat = inputs.reshape(len(inputs), -1)
    outputs = flat @ kernel + bias
    passed = outputs > 0 if layer.relu else np.ones_like(outputs, dtype=bool)

    def backward(gradient: Array) -> tuple[Array, Array, Array]:
        gradient = gradient * passed
        return (gradient @ kernel.T).reshape(inputs.shape), flat.T @ gradient, gradient.sum(axis=0)

    return outputs * passed, backward


def convolution(images: Array, kernel: Array, bias: Array, ties: Ties) -> tuple[Array, Backward]:
    """Correlation with a (height, width, in, out) kernel, bias, ReLU, max-pooling."""
    outputs = correlate(images, kernel) + bias
    passed = outputs > 0
    pooled, unpool = max_pool(outputs * passed, ties)

    def backward(gradient: Array) -> tuple[Array, Array, Array]:
        gradient = unpool(gradient) * passed
        return correlate_back(gradient, kernel), _kernel_gradient(images, gradient), gradient.sum(axis=(0, 1, 2))

    return pooled, backward


def correlate(images: Array, kernel: Array) -> Array:
    return np.tensordot(_patches(images), kernel, axes=((4, 5, 3), (0, 1, 2)))


def correlate_back(gradient: Array, kernel: Array) -> Array:
    """The gradient at the images: the full correlation with the kernel turned by 180 degrees."""
    margin = (KERNEL - 1, KERNEL - 1)
    padded = np.pad(gradient, ((0, 0), margin, margin, (0, 0)))
    return correlate(padded, kernel[::-1, ::-1].swapaxes(2, 3))


def _kernel_gradient(images: Array, gradient: Array) -> Array:
    by_channel = np.tensordot(_patches(images), gradient, axes=((0, 1, 2), (0, 1, 2)))
    return by_channel.transpose(1, 2, 0, 3)


def _patches(images: Array) -> Array:
    """(n, rows, columns, channel, kernel row, kernel column)"""
    return np.lib.stride_tricks.sliding_window_view(images, (KERNEL, KERNEL), axis=(1, 2))


def max_pool(images: Array, ties: Ties) -> tuple[Array, Callable[[Array], Array]]:
    """The pooled images, and the way back from the gradient at them. Odd edges are left out."""
    samples, height, width, channels = images.shape
    rows, columns = height // POOL, width // POOL
    windows = images[:, : rows * POOL, : columns * POOL].reshape(samples, rows, POOL, columns, POOL, channels)
    windows = windows.transpose(0, 1, 3, 5, 2, 4).reshape(samples, rows, columns, channels, POOL * POOL)
    pooled = windows.max(axis=-1)

    def unpool(gradient: Array) -> Array:
        spread = gradient[..., None] * _winners(windows, pooled, ties)
        spread = spread.reshape(samples, rows, columns, channels, POOL, POOL).transpose(0, 1, 4, 2, 5, 3)
        result = np.zeros_like(images)
        result[:, : rows * POOL, : columns * POOL] = spread.reshape(samples, rows * POOL, columns * POOL, channels)
        return result

    return pooled, unpool


def _winners(windows: Array, pooled: Array, ties: Ties) -> NDArray[np.bool_]:
    if ties == "each":
        return np.asarray(windows == pooled[..., None])
    return np.asarray(windows.argmax(axis=-1)[..., None] == np.arange(windows.shape[-1]))


def softmax_cross_entropy(logits: Array, labels: NDArray[np.int64]) -> tuple[float, Array]:
    """Mean loss over the batch, and its gradient at the logits."""
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities: NDArray[np.floating[Any]] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    gradient = np.exp(log_probabilities)
    gradient[rows, labels] -= 1
    return float(-log_probabilities[rows, labels].mean()), gradient / len(labels)
