"""The layers as Theano's expressions: its own where it has them, else as its tutorials build them. Channels first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

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

_HIDDEN = -1e30
"""A score that softmax makes nothing of."""


class Layers:
    """A list of layers as one expression of shared variables and inputs."""

    def __init__(self, theano: Any, layers: Sequence[Layer], *, tuned: bool) -> None:
        self._theano, self._tensor, self._layers, self._tuned = theano, theano.tensor, layers, tuned
        table: dict[type[Layer], Callable[..., Any]] = {
            Convolution: self._convolution,
            Dense: self._dense,
            PaddedConvolution: self._padded_convolution,
            GlobalAverage: lambda layer, images: images.mean(axis=(2, 3)),
            PositionDense: lambda layer, inputs, kernel, bias: self._tensor.dot(inputs, kernel) + bias,
            Relu: lambda layer, inputs: self._tensor.nnet.relu(inputs),
            Gelu: lambda layer, inputs: inputs * (1 + self._tensor.erf(self._over(inputs, sqrt(2)))) / 2,
            LayerNormalisation: self._layer_normalisation,
            Embedding: self._embedding,
            CausalAttention: self._causal_attention,
            Lstm: self._lstm,
            Gru: self._gru,
        }
        self._by_mode: dict[type[Layer], Callable[..., Any]] = {
            BatchNormalisation: self._batch_normalisation,
            Residual: self._residual,
        }
        self._table = supported(layers, {**table, **self._by_mode}, "Theano")

    def forward(self, tensors: Sequence[Any], inputs: Any, *, training: bool) -> tuple[Any, list[tuple[Any, Any]]]:
        """The outputs, and what running statistics become: pairs for `theano.function`'s updates."""
        seen: list[tuple[Any, Any]] = []
        return self._through(self._layers, tensors, inputs, seen if training else None), seen

    def _through(self, layers: Sequence[Layer], tensors: Sequence[Any], inputs: Any, seen: list[Any] | None) -> Any:
        for layer, own in by_layer(layers, tensors):
            build = self._table[type(layer)]
            inputs = build(layer, inputs, own, seen) if type(layer) in self._by_mode else build(layer, inputs, *own)
        return inputs

    def _over(self, values: Any, divisor: float) -> Any:
        """Divided without becoming float64."""
        return values / np.asarray(divisor, values.dtype)

    # ------------------------------------------------------------ products and images

    def _dense(self, layer: Dense, activations: Any, kernel: Any, bias: Any) -> Any:
        nnet = self._tensor.nnet
        outputs = self._tensor.dot(activations.flatten(2), kernel) + bias
        return nnet.relu(outputs) if layer.relu else nnet.softmax(outputs)

    def _convolution(self, layer: Convolution, images: Any, kernel: Any, bias: Any) -> Any:
        from theano.tensor.signal.pool import pool_2d

        height, width, channels = layer.input_shape
        convolved = self._tensor.nnet.conv2d(
            images,
            kernel,
            input_shape=(None, channels, height, width),
            filter_shape=_oihw(layer.parameters[0].shape),
            filter_flip=False,
        )
        outputs = self._tensor.nnet.relu(convolved + bias.dimshuffle("x", 0, "x", "x"))
        return pool_2d(outputs, ws=(POOL, POOL), ignore_border=True)

    def _padded_convolution(self, layer: PaddedConvolution, images: Any, kernel: Any) -> Any:
        height, width, channels = layer.input_shape
        return self._tensor.nnet.conv2d(
            images,
            kernel,
            input_shape=(None, channels, height, width),
            filter_shape=_oihw(layer.parameters[0].shape),
            border_mode=(layer.padding, layer.padding),
            subsample=(layer.stride, layer.stride),
            filter_flip=False,
        )

    def _residual(self, layer: Residual, inputs: Any, own: Sequence[Any], seen: list[Any] | None) -> Any:
        outputs = self._through(layer.body, own, inputs, seen)
        if layer.stride > 1 or layer.new_channels:
            kept = inputs[:, :, :: layer.stride, :: layer.stride]
            zeros = self._tensor.zeros((kept.shape[0], layer.new_channels, kept.shape[2], kept.shape[3]), kept.dtype)
            inputs = self._tensor.concatenate([kept, zeros], axis=1)
        return outputs + inputs

    # ------------------------------------------------------------ normalisation

    def _batch_normalisation(
        self, layer: BatchNormalisation, inputs: Any, own: Sequence[Any], seen: list[Any] | None
    ) -> Any:
        """Theano's own; the running statistics are ours, since its variance has n - 1 in the denominator."""
        normalisation, (*_, mean, variance) = self._tensor.nnet.bn, own
        epsilon = _epsilon(inputs.dtype)
        rows = [each.dimshuffle("x", 0, "x", "x") for each in own]
        if seen is None:
            return normalisation.batch_normalization_test(inputs, *rows, axes="spatial", epsilon=epsilon)
        outputs, now, inverse = normalisation.batch_normalization_train(
            inputs, rows[0], rows[1], axes="spatial", epsilon=epsilon
        )
        now_variance = 1 / inverse**2 - np.asarray(epsilon, inputs.dtype)
        for before, each in ((mean, now), (variance, now_variance)):
            kept, new = (np.asarray(share, inputs.dtype) for share in (MOMENTUM, 1 - MOMENTUM))
            seen.append((before, kept * before + new * each.flatten()))
        return outputs

    def _layer_normalisation(self, layer: LayerNormalisation, inputs: Any, scale: Any, offset: Any) -> Any:
        mean, variance = inputs.mean(axis=-1, keepdims=True), inputs.var(axis=-1, keepdims=True)
        deviation = self._tensor.sqrt(variance + np.asarray(EPSILON, inputs.dtype))
        return (inputs - mean) / deviation * scale + offset

    # ------------------------------------------------------------ recurrence

    def _lstm(self, layer: Lstm, inputs: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
        tensor = self._tensor

        def step(now: Any, state: Any, cell: Any) -> tuple[Any, Any]:
            fed = now + tensor.dot(state, recurrent)
            i, f, g, o = (fed[:, gate * layer.units : (gate + 1) * layer.units] for gate in range(4))
            cell = tensor.nnet.sigmoid(f) * cell + tensor.nnet.sigmoid(i) * tensor.tanh(g)
            return tensor.nnet.sigmoid(o) * tensor.tanh(cell), cell

        return self._states(layer, step, tensor.dot(inputs, kernel) + bias, moved=2)

    def _gru(self, layer: Gru, inputs: Any, kernel: Any, recurrent: Any, bias: Any, recurrent_bias: Any) -> Any:
        tensor, units = self._tensor, layer.units

        def step(now: Any, state: Any) -> tuple[Any]:
            of_state = tensor.dot(state, recurrent) + recurrent_bias
            both = tensor.nnet.sigmoid(now[:, : 2 * units] + of_state[:, : 2 * units])
            z, r = both[:, :units], both[:, units:]
            n = tensor.tanh(now[:, 2 * units :] + r * of_state[:, 2 * units :])
            return (z * state + (1 - z) * n,)

        return self._states(layer, step, tensor.dot(inputs, kernel) + bias, moved=1)

    def _states(self, layer: Lstm | Gru, step: Any, fed: Any, *, moved: int) -> Any:
        """Each step is an expression of its own, since the C code of `theano.scan` needs Python 3.10 or older."""
        tensor = self._tensor
        carried: tuple[Any, ...] = (tensor.zeros((fed.shape[0], layer.units), fed.dtype),) * moved
        states = []
        for number in range(layer.input_shape[0]):
            carried = step(fed[:, number], *carried)
            states.append(carried[0])
        return tensor.stack(states, axis=1) if layer.returns_sequence else states[-1]

    # ------------------------------------------------------------ attention

    def _embedding(self, layer: Embedding, tokens: Any, table: Any, places: Any) -> Any:
        rows = table[tokens.flatten()]
        return rows.reshape((tokens.shape[0], layer.input_shape[0], layer.features)) + places

    def _causal_attention(
        self, layer: CausalAttention, inputs: Any, kernel: Any, bias: Any, output_kernel: Any, output_bias: Any
    ) -> Any:
        tensor, (steps, features) = self._tensor, layer.input_shape
        projected = (tensor.dot(inputs, kernel) + bias).reshape((-1, steps, 3, layer.heads, layer.size))
        parts = projected.dimshuffle(2, 0, 3, 1, 4)
        q, k, v = (parts[number].reshape((-1, steps, layer.size)) for number in range(3))
        scores = self._over(tensor.batched_dot(q, k.dimshuffle(0, 2, 1)), sqrt(layer.size))
        seen = tensor.constant(np.tri(steps, dtype=bool))
        masked = tensor.switch(seen, scores, np.asarray(_HIDDEN, inputs.dtype))
        weights = tensor.nnet.softmax(masked.reshape((-1, steps))).reshape(masked.shape)
        joined = tensor.batched_dot(weights, v).reshape((-1, layer.heads, steps, layer.size))
        return tensor.dot(joined.dimshuffle(0, 2, 1, 3).reshape((-1, steps, features)), output_kernel) + output_bias


def _epsilon(dtype: str) -> float:
    """In float32 the next one above: Theano refuses less than 1e-5, and that rounded to float32 is less."""
    return EPSILON if dtype == "float64" else float(np.nextafter(np.float32(EPSILON), np.float32(1)))


def _oihw(shape: tuple[int, ...]) -> tuple[int, ...]:
    height, width, inputs, outputs = shape
    return outputs, inputs, height, width
