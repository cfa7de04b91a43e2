"""Weights between the layout in which they travel (channels last) and that of frameworks with channels first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from engines.networks.kinds import Convolution, Dense, Layer, by_layer, takes_images

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engines.contract import Array, Weights

_Convert = Callable[[Layer, tuple["Array", ...], bool], "list[Array]"]


def images_channels_first(inputs: Array) -> Array:
    """(n, height, width, channels) to (n, channels, height, width); what is no image stays as it is."""
    return np.ascontiguousarray(inputs.transpose(0, 3, 1, 2)) if inputs.ndim == 4 else inputs


def to_channels_first(layers: Sequence[Layer], weights: Weights, *, transposed: bool = False) -> Weights:
    """Convolution kernels to (out, in, height, width), and dense kernels that read images to channels-first rows.

    `transposed` dense kernels are (out, in), as PyTorch has them.
    """
    converted = [
        array
        for layer, own in by_layer(layers, weights)
        for array in _TO.get(type(layer), _as_they_are)(layer, own, transposed)
    ]
    return [np.ascontiguousarray(array) for array in converted]


def from_channels_first(layers: Sequence[Layer], weights: Weights, *, transposed: bool = False) -> Weights:
    """The other way round; copies, since the next step writes where a framework's parameters are."""
    converted = [
        array
        for layer, own in by_layer(layers, weights)
        for array in _FROM.get(type(layer), _as_they_are)(layer, own, transposed)
    ]
    return [np.array(array, order="C") for array in converted]


def _as_they_are(layer: Layer, own: tuple[Array, ...], transposed: bool) -> list[Array]:
    return list(own)


def _convolution_to(layer: Layer, own: tuple[Array, ...], transposed: bool) -> list[Array]:
    kernel, bias = own
    return [kernel.transpose(3, 2, 0, 1), bias]


def _convolution_from(layer: Layer, own: tuple[Array, ...], transposed: bool) -> list[Array]:
    kernel, bias = own
    return [kernel.transpose(2, 3, 1, 0), bias]


def _dense_to(layer: Layer, own: tuple[Array, ...], transposed: bool) -> list[Array]:
    kernel, bias = own
    if takes_images(layer):
        kernel = kernel.reshape(*layer.input_shape, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
    return [kernel.T if transposed else kernel, bias]


def _dense_from(layer: Layer, own: tuple[Array, ...], transposed: bool) -> list[Array]:
    kernel, bias = own
    kernel = kernel.T if transposed else kernel
    if takes_images(layer):
        height, width, channels = layer.input_shape
        kernel = kernel.reshape(channels, height, width, -1).transpose(1, 2, 0, 3).reshape(kernel.shape)
    return [kernel, bias]


_TO: dict[type[Layer], _Convert] = {Convolution: _convolution_to, Dense: _dense_to}
_FROM: dict[type[Layer], _Convert] = {Convolution: _convolution_from, Dense: _dense_from}
