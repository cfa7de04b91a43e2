"""The layers in plain NumPy: what every framework must agree with. Written to be read, not to be fast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from engines.layers import numpy_images as images
from engines.layers import numpy_passes as passes
from engines.layers import numpy_sequences as sequences
from engines.layers.numpy_images import Ties
from engines.layers.numpy_passes import Backward, Pass
from engines.networks import Convolution, Dense, Layer, by_layer, supported
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

if TYPE_CHECKING:
    from engines.contract import Array, Weights


_KINDS: dict[type[Layer], Callable[..., Pass]] = {
    Dense: passes.dense,
    PositionDense: passes.position_dense,
    Relu: passes.relu,
    Gelu: passes.gelu,
    PaddedConvolution: images.padded_convolution,
    GlobalAverage: images.global_average,
    LayerNormalisation: passes.layer_normalisation,
    Lstm: sequences.lstm,
    Gru: sequences.gru,
    Embedding: sequences.embedding,
    CausalAttention: sequences.causal_attention,
}


class Layers:
    """The passes through a list of layers, in training or as a trained network is asked."""

    def __init__(self, layers: Sequence[Layer], ties: Ties = "first") -> None:
        self.layers = layers
        self._ties = ties
        self._table: dict[type[Layer], Callable[..., Pass]] = {
            **_KINDS,
            Convolution: partial(images.convolution, ties=ties),
            BatchNormalisation: passes.batch_normalisation,
            Residual: self._residual,
        }
        supported(layers, self._table, "The reference")

    def forward(self, inputs: Array, tensors: Sequence[Array], *, training: bool) -> Pass:
        """The outputs, and the way back to the gradients at the inputs and at every tensor."""
        self._table[BatchNormalisation] = passes.batch_normalisation if training else passes.as_trained
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
        around, back_around = images.shortcut(layer, inputs)

        def backward(gradient: Array) -> tuple[Array, Weights]:
            inner, own = back(gradient)
            return inner + back_around(gradient), own

        return outputs + around, backward
