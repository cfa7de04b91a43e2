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
from engines.networks import KERNEL, POOL, Convolution, Dense, Layer, by_layer, supported

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, Setup, TrainingData, Weights

_OFFSETS = [(i, j) for i in range(KERNEL) for j in range(KERNEL)]
Ties = Literal["first", "each"]
Backward = Callable[["Array"], "tuple[Array, Weights]"]
"""From the gradient at a layer's outputs to those at its inputs and at each of its parameters."""


class Engine:
    def __init__(self, setup: Setup, ties: Ties = "first") -> None:
        self._setup = setup
        self._ties = ties
        self._layers = networks.layers(setup.network, setup.sample)
        made_of: networks.Builders = {Convolution: self._convolution, Dense: self._dense}
        self._made_of = supported(self._layers, made_of, "The reference")
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
            gradient, own = backward(gradient)
            gradients = [*own, *gradients]
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
        for index, (layer, own) in enumerate(by_layer(self._layers, self._weights)):
            activations, backward = self._layer(index, layer, own, activations)
            backwards.append(backward)
        return activations, backwards

    def _layer(self, index: int, layer: Layer, own: tuple[Array, ...], inputs: Array) -> tuple[Array, Backward]:
        outputs: tuple[Array, Backward] = self._made_of[type(layer)](layer, inputs, *own)
        return outputs

    def _convolution(self, layer: Convolution, images: Array, kernel: Array, bias: Array) -> tuple[Array, Backward]:
        return convolution(images, kernel, bias, self._ties)

    def _dense(self, layer: Dense, inputs: Array, kernel: Array, bias: Array) -> tuple[Array, Backward]:
        return dense(inputs, kernel, bias, layer)


def dense(inputs: Array, kernel: Array, bias: Array, layer: Dense) -> tuple[Array, Backward]:
    flat = inputs.reshape(len(inputs), -1)
    outputs = flat @ kernel + bias
    passed = outputs > 0 if layer.relu else np.ones_like(outputs, dtype=bool)

    def backward(gradient: Array) -> tuple[Array, Weights]:
        gradient = gradient * passed
        return (gradient @ kernel.T).reshape(inputs.shape), [flat.T @ gradient, gradient.sum(axis=0)]

    return outputs * passed, backward


def convolution(images: Array, kernel: Array, bias: Array, ties: Ties) -> tuple[Array, Backward]:
    """Correlation with a (height, width, in, out) kernel, bias, ReLU, max-pooling."""
    rows, columns = (size - KERNEL + 1 for size in images.shape[1:3])
    patches = _patches(images)
    matrix = kernel.reshape(-1, kernel.shape[-1])
    outputs = (patches @ matrix + bias).reshape(len(images), rows, columns, -1)
    passed = outputs > 0
    pooled, unpool = max_pool(outputs * passed, ties)

    def backward(gradient: Array) -> tuple[Array, Weights]:
        gradient = (unpool(gradient) * passed).reshape(-1, kernel.shape[-1])
        kernel_gradient = (patches.T @ gradient).reshape(kernel.shape)
        return _unpatch(gradient @ matrix.T, images.shape), [kernel_gradient, gradient.sum(axis=0)]

    return pooled, backward


def _patches(images: Array) -> Array:
    """What the kernel sees: a row for each image and position, with kernel rows x kernel columns x channels."""
    rows, columns = (size - KERNEL + 1 for size in images.shape[1:3])
    parts = [images[:, i : i + rows, j : j + columns] for i, j in _OFFSETS]
    return np.concatenate(parts, axis=-1).reshape(-1, len(_OFFSETS) * images.shape[3])


def _unpatch(patches: Array, shape: tuple[int, ...]) -> Array:
    """The sum of all patches, each put where it was seen: the gradient of `_patches`."""
    samples, height, width, channels = shape
    rows, columns = height - KERNEL + 1, width - KERNEL + 1
    parts = patches.reshape(samples, rows, columns, len(_OFFSETS), channels)
    images = np.zeros(shape, patches.dtype)
    for number, (i, j) in enumerate(_OFFSETS):
        images[:, i : i + rows, j : j + columns] += parts[:, :, :, number]
    return images


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
