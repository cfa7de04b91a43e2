"""The passes through layers of images. A ReLU has slope 0 at 0.

Where a pooling window has several equal maxima, its gradient goes to the first (`ties="first"`) or, as Theano does, to
each of them (`ties="each"`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np

from engines.layers.numpy_passes import Pass
from engines.networks import POOL, Convolution
from engines.networks.kinds import GlobalAverage, PaddedConvolution, Residual

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, Weights

Ties = Literal["first", "each"]


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
