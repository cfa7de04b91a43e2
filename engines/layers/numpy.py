"""The layers in plain NumPy, forward and backward: what every framework must agree with. Written to be read.

Two conventions that the mathematics leaves open: a ReLU has slope 0 at 0, and a pooling window with several equal
maxima sends its gradient to the first of them (`ties="first"`) or, as Theano does, to each (`ties="each"`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import erf, pi, sqrt
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engines.networks import POOL, Convolution, Dense, Layer, by_layer, supported
from engines.networks.kinds import (
    BatchNormalisation,
    CausalAttention,
    Embedding,
    Gelu,
    GlobalAverage,
    Gru,
    LayerNormalisation,
    Lstm,
    PaddedConvolution,
    PositionDense,
    Relu,
    Residual,
)
from engines.networks.kinds.normalisation import EPSILON, MOMENTUM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, Weights

Ties = Literal["first", "each"]
Backward = Callable[["Array"], "tuple[Array, Weights]"]
"""From the gradient at a layer's outputs to those at its inputs and at each of its tensors.

A running statistic's is its change instead: what one step adds to it.
"""
Pass = tuple["Array", Backward]

_erf = np.vectorize(erf, otypes=[np.float64])


class Layers:
    """The passes through a list of layers, in training or as a trained network is asked."""

    def __init__(self, layers: Sequence[Layer], ties: Ties = "first") -> None:
        self.layers = layers
        self._ties = ties
        self._table: dict[type[Layer], Callable[..., Pass]] = {
            **_KINDS,
            Convolution: partial(convolution, ties=ties),
            BatchNormalisation: batch_normalisation,
            Residual: self._residual,
        }
        supported(layers, self._table, "The reference")

    def forward(self, inputs: Array, tensors: Sequence[Array], *, training: bool) -> Pass:
        """The outputs, and the way back to the gradients at the inputs and at every tensor."""
        self._table[BatchNormalisation] = batch_normalisation if training else as_trained
        return self._through(self.layers, inputs, tensors)

    def one(self, layer: Layer, inputs: Array, own: tuple[Array, ...]) -> Pass:
        """The pass through one layer."""
        return self._table[type(layer)](layer, inputs, *own)

    def _through(self, layers: Sequence[Layer], inputs: Array, tensors: Sequence[Array]) -> Pass:
        backwards: list[Backward] = []
        for layer, own in by_layer(layers, tensors):
            inputs, backward = self.one(layer, inputs, own)
            backwards.append(backward)

        def backward_through(gradient: Array) -> tuple[Array, Weights]:
            gradients: Weights = []
            for backward in reversed(backwards):
                gradient, own = backward(gradient)
                gradients = [*own, *gradients]
            return gradient, gradients

        return inputs, backward_through

    def _residual(self, layer: Residual, inputs: Array, *tensors: Array) -> Pass:
        outputs, back = self._through(layer.body, inputs, tensors)
        around, back_around = shortcut(layer, inputs)

        def backward(gradient: Array) -> tuple[Array, Weights]:
            inner, own = back(gradient)
            return inner + back_around(gradient), own

        return outputs + around, backward


# ---------------------------------------------------------------- matrix products


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


# ---------------------------------------------------------------- activations


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


# ---------------------------------------------------------------- images


def convolution(layer: Convolution, images: Array, kernel: Array, bias: Array, *, ties: Ties) -> Pass:
    """Correlation with a (height, width, in, out) kernel, bias, ReLU, max-pooling."""
    convolved, back = correlate(images, kernel)
    outputs = convolved + bias
    passed = outputs > 0
    pooled, unpool = max_pool(outputs * passed, ties)

    def backward(gradient: Array) -> tuple[Array, Weights]:
        gradient = unpool(gradient) * passed
        images_gradient, kernel_gradient = back(gradient)
        return images_gradient, [kernel_gradient, gradient.sum(axis=(0, 1, 2))]

    return pooled, backward


def padded_convolution(layer: PaddedConvolution, images: Array, kernel: Array) -> Pass:
    edge = layer.padding
    padded = np.pad(images, [(0, 0), (edge, edge), (edge, edge), (0, 0)])
    outputs, back = correlate(padded, kernel, layer.stride)

    def backward(gradient: Array) -> tuple[Array, Weights]:
        padded_gradient, kernel_gradient = back(gradient)
        height, width = images.shape[1:3]
        return padded_gradient[:, edge : edge + height, edge : edge + width], [kernel_gradient]

    return outputs, backward


def correlate(images: Array, kernel: Array, stride: int = 1) -> tuple[Array, Callable[[Array], tuple[Array, Array]]]:
    """Without padding; and the way back from the gradient at the outputs to those at the images and the kernel."""
    size = kernel.shape[0]
    rows, columns = ((length - size) // stride + 1 for length in images.shape[1:3])
    patches = _patches(images, size, stride)
    matrix = kernel.reshape(-1, kernel.shape[-1])
    outputs = (patches @ matrix).reshape(len(images), rows, columns, -1)

    def back(gradient: Array) -> tuple[Array, Array]:
        flat = gradient.reshape(-1, kernel.shape[-1])
        return _unpatch(flat @ matrix.T, images.shape, size, stride), (patches.T @ flat).reshape(kernel.shape)

    return outputs, back


def _seen(images: Array, size: int, stride: int) -> list[tuple[slice, slice]]:
    """For each place of the kernel: the rows and columns of the image that it meets."""
    rows, columns = ((length - size) // stride * stride + 1 for length in images.shape[1:3])
    return [(slice(i, i + rows, stride), slice(j, j + columns, stride)) for i in range(size) for j in range(size)]


def _patches(images: Array, size: int, stride: int) -> Array:
    """What the kernel sees: a row for each image and position, with kernel rows x kernel columns x channels."""
    parts = [images[:, rows, columns] for rows, columns in _seen(images, size, stride)]
    return np.concatenate(parts, axis=-1).reshape(-1, size * size * images.shape[3])


def _unpatch(patches: Array, shape: tuple[int, ...], size: int, stride: int) -> Array:
    """The sum of all patches, each put where it was seen: the gradient of `_patches`."""
    images = np.zeros(shape, patches.dtype)
    rows, columns = ((length - size) // stride + 1 for length in shape[1:3])
    parts = patches.reshape(shape[0], rows, columns, size * size, shape[3])
    for number, place in enumerate(_seen(images, size, stride)):
        images[:, place[0], place[1]] += parts[:, :, :, number]
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


def global_average(layer: GlobalAverage, images: Array) -> Pass:
    pixels = images.shape[1] * images.shape[2]

    def backward(gradient: Array) -> tuple[Array, Weights]:
        return np.broadcast_to(gradient[:, None, None] / pixels, images.shape), []

    return images.mean(axis=(1, 2)), backward


def shortcut(layer: Residual, inputs: Array) -> tuple[Array, Callable[[Array], Array]]:
    """The inputs themselves, or every so-manieth row and column with channels of zeros behind; and the way back."""
    if not layer.new_channels and layer.stride == 1:
        return inputs, lambda gradient: gradient

    def back(gradient: Array) -> Array:
        result = np.zeros_like(inputs)
        result[:, :: layer.stride, :: layer.stride] = gradient[..., : inputs.shape[-1]]
        return result

    kept = inputs[:, :: layer.stride, :: layer.stride]
    return np.pad(kept, [(0, 0), (0, 0), (0, 0), (0, layer.new_channels)]), back


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


# ---------------------------------------------------------------- recurrence


def lstm(layer: Lstm, inputs: Array, kernel: Array, recurrent: Array, bias: Array) -> Pass:
    samples, steps, _ = inputs.shape
    state, cell = (np.zeros((samples, layer.units), inputs.dtype) for _ in range(2))
    states, kept = [state], []
    for step in range(steps):
        parts = np.split(inputs[:, step] @ kernel + states[-1] @ recurrent + bias, 4, axis=1)
        i, f, o = (sigmoid(parts[number]) for number in (0, 1, 3))
        g, before = np.tanh(parts[2]), cell
        cell = f * cell + i * g
        states.append(o * np.tanh(cell))
        kept.append((i, f, g, o, before, cell))

    def backward(gradient: Array) -> tuple[Array, Weights]:
        own = [np.zeros_like(kernel), np.zeros_like(recurrent), np.zeros_like(bias)]
        into, of_state, of_cell = np.zeros_like(inputs), np.zeros_like(state), np.zeros_like(state)
        for step in reversed(range(steps)):
            i, f, g, o, before, after = kept[step]
            of_state = of_state + _of_step(layer, gradient, step, steps)
            through = np.tanh(after)
            of_cell = of_cell + of_state * o * (1 - through**2)
            of_parts = np.concatenate(
                [
                    of_cell * g * i * (1 - i),
                    of_cell * before * f * (1 - f),
                    of_cell * i * (1 - g**2),
                    of_state * through * o * (1 - o),
                ],
                axis=1,
            )
            _add(own, inputs[:, step].T @ of_parts, states[step].T @ of_parts, of_parts.sum(axis=0))
            into[:, step] = of_parts @ kernel.T
            of_state, of_cell = of_parts @ recurrent.T, of_cell * f
        return into, own

    return _states(layer, states), backward


def gru(layer: Gru, inputs: Array, kernel: Array, recurrent: Array, bias: Array, recurrent_bias: Array) -> Pass:
    samples, steps, _ = inputs.shape
    states, kept = [np.zeros((samples, layer.units), inputs.dtype)], []
    for step in range(steps):
        of_input = np.split(inputs[:, step] @ kernel + bias, 3, axis=1)
        of_before = np.split(states[-1] @ recurrent + recurrent_bias, 3, axis=1)
        z, r = sigmoid(of_input[0] + of_before[0]), sigmoid(of_input[1] + of_before[1])
        n = np.tanh(of_input[2] + r * of_before[2])
        kept.append((z, r, n, of_before[2]))
        states.append(z * states[-1] + (1 - z) * n)

    def backward(gradient: Array) -> tuple[Array, Weights]:
        own = [np.zeros_like(array) for array in (kernel, recurrent, bias, recurrent_bias)]
        into, of_state = np.zeros_like(inputs), np.zeros_like(states[0])
        for step in reversed(range(steps)):
            z, r, n, product = kept[step]
            of_state = of_state + _of_step(layer, gradient, step, steps)
            of_n = of_state * (1 - z) * (1 - n**2)
            of_z, of_r = of_state * (states[step] - n) * z * (1 - z), of_n * product * r * (1 - r)
            inner = np.concatenate([of_z, of_r, of_n], axis=1)
            back = np.concatenate([of_z, of_r, of_n * r], axis=1)
            _add(own, inputs[:, step].T @ inner, states[step].T @ back, inner.sum(axis=0), back.sum(axis=0))
            into[:, step] = inner @ kernel.T
            of_state = back @ recurrent.T + of_state * z
        return into, own

    return _states(layer, states), backward


def _states(layer: Lstm | Gru, states: list[Array]) -> Array:
    return np.stack(states[1:], axis=1) if layer.returns_sequence else states[-1]


def _of_step(layer: Lstm | Gru, gradient: Array, step: int, steps: int) -> Any:
    """What the outputs' gradient gives the state of one step."""
    if layer.returns_sequence:
        return gradient[:, step]
    return gradient if step == steps - 1 else 0.0


def _add(sums: Weights, *parts: Array) -> None:
    for total, part in zip(sums, parts, strict=True):
        total += part


# ---------------------------------------------------------------- attention


def embedding(layer: Embedding, tokens: Array, table: Array, places: Array) -> Pass:
    numbers = tokens.astype(np.int64)

    def backward(gradient: Array) -> tuple[Array, Weights]:
        of_table = np.zeros_like(table)
        np.add.at(of_table, numbers, gradient)
        return np.zeros(tokens.shape), [of_table, gradient.sum(axis=0)]

    return table[numbers] + places, backward


def causal_attention(
    layer: CausalAttention,
    inputs: Array,
    kernel: Array,
    bias: Array,
    output_kernel: Array,
    output_bias: Array,
    *,
    ahead: int = 0,
) -> Pass:
    """`ahead` is how many later positions each one sees: none, but in a test of who would notice."""
    samples, steps, features = inputs.shape
    projected, project_back = position_dense(layer, inputs, kernel, bias)
    q, k, v = (_heads(layer, part) for part in np.split(projected, 3, axis=2))
    scale = 1 / sqrt(layer.size)
    masked = np.where(np.tri(steps, k=ahead, dtype=bool), q @ k.swapaxes(2, 3) * scale, -np.inf)
    weights = np.exp(masked - masked.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    joined = (weights @ v).swapaxes(1, 2).reshape(samples, steps, features)
    outputs, output_back = position_dense(layer, joined, output_kernel, output_bias)

    def backward(gradient: Array) -> tuple[Array, Weights]:
        gradient, of_output = output_back(gradient)
        of_sums = _heads(layer, gradient)
        of_weights = of_sums @ v.swapaxes(2, 3)
        of_scores = weights * (of_weights - (of_weights * weights).sum(axis=-1, keepdims=True)) * scale
        parts = (of_scores @ k, of_scores.swapaxes(2, 3) @ q, weights.swapaxes(2, 3) @ of_sums)
        joined_parts = [part.swapaxes(1, 2).reshape(samples, steps, features) for part in parts]
        into, of_kernel = project_back(np.concatenate(joined_parts, axis=2))
        return into, [*of_kernel, *of_output]

    return outputs, backward


def _heads(layer: CausalAttention, values: Array) -> Array:
    """(samples, steps, features) to (samples, heads, steps, size)."""
    samples, steps, _ = values.shape
    return values.reshape(samples, steps, layer.heads, layer.size).swapaxes(1, 2)


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


_KINDS: dict[type[Layer], Callable[..., Pass]] = {
    Dense: dense,
    PositionDense: position_dense,
    Relu: relu,
    Gelu: gelu,
    PaddedConvolution: padded_convolution,
    GlobalAverage: global_average,
    LayerNormalisation: layer_normalisation,
    Lstm: lstm,
    Gru: gru,
    Embedding: embedding,
    CausalAttention: causal_attention,
}
