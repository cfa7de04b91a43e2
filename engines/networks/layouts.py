"""Weights between the layout in which they travel (channels last) and that of frameworks with channels first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from engines.networks.kinds import Convolution, Dense, Layer, PaddedConvolution, Residual, by_layer, takes_images

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engines.contract import Array, Weights

_Convert = Callable[[Layer, tuple["Array", ...]], "list[Array]"]


def images_channels_first(inputs: Array) -> Array:
    """(n, height, width, channels) to (n, channels, height, width); what is no image stays as it is."""
    return np.ascontiguousarray(inputs.transpose(0, 3, 1, 2)) if inputs.ndim == 4 else inputs


def to_channels_first(layers: Sequence[Layer], weights: Weights) -> Weights:
    """Convolution kernels to (out, in, height, width), and dense kernels that read images to channels-first rows."""
    return [np.ascontiguousarray(array) for array in _converted(layers, weights, _TO)]


def from_channels_first(layers: Sequence[Layer], weights: Weights) -> Weights:
    """The other way round; copies, since the next step writes where a framework's parameters are."""
    return [np.array(array, order="C") for array in _converted(layers, weights, _FROM)]


def _converted(layers: Sequence[Layer], weights: Sequence[Array], table: Mapping[type[Layer], _Convert]) -> list[Array]:
    found: list[Array] = []
    for layer, own in by_layer(layers, weights):
        if isinstance(layer, Residual):
            found += _converted(layer.body, own, table)
        else:
            found += table[type(layer)](layer, own) if type(layer) in table else own
    return found


def _convolution_to(layer: Layer, own: tuple[Array, ...]) -> list[Array]:
    kernel, *bias = own
    return [kernel.transpose(3, 2, 0, 1), *bias]


def _convolution_from(layer: Layer, own: tuple[Array, ...]) -> list[Array]:
    kernel, *bias = own
    return [kernel.transpose(2, 3, 1, 0), *bias]


def _dense_to(layer: Layer, own: tuple[Array, ...]) -> list[Array]:
    kernel, bias = own
    if takes_images(layer):
        kernel = kernel.reshape(*layer.input_shape, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
    return [kernel, bias]


def _dense_from(layer: Layer, own: tuple[Array, ...]) -> list[Array]:
    kernel, bias = own
    if takes_images(layer):
        height, width, channels = layer.input_shape
        kernel = kernel.reshape(channels, height, width, -1).transpose(1, 2, 0, 3).reshape(kernel.shape)
    return [kernel, bias]


_TO: dict[type[Layer], _Convert] = {
    Convolution: _convolution_to,
    PaddedConvolution: _convolution_to,
    Dense: _dense_to,
}
_FROM: dict[type[Layer], _Convert] = {
    Convolution: _convolution_from,
    PaddedConvolution: _convolution_from,
    Dense: _dense_from,
}
