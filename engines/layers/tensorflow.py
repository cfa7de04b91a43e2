"""The layers in TensorFlow's own operations, without Keras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod, sqrt
from typing import Any

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


class Layers:
    """A list of layers as one function of inputs, over variables."""

    def __init__(self, tf: Any, layers: Sequence[Layer], *, tuned: bool, dtype: str) -> None:
        self._tf, self._layers = tf, layers
        # TensorFlow has the fused kernel in float32 alone.
        self._fuses_norms = tuned and dtype == "float32"
        table: dict[type[Layer], Callable[..., Any]] = {
            Convolution: self._convolution,
            Dense: self._dense,
            PaddedConvolution: self._padded_convolution,
            GlobalAverage: lambda layer, images: tf.reduce_mean(images, axis=[1, 2]),
            PositionDense: lambda layer, inputs, kernel, bias: tf.nn.bias_add(tf.matmul(inputs, kernel), bias),
            Relu: lambda layer, inputs: tf.nn.relu(inputs),
            Gelu: self._gelu,
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
        self._table = supported(layers, {**table, **self._by_mode}, "TensorFlow")

    def forward(self, variables: Sequence[Any], inputs: Any, *, training: bool) -> Any:
        """The outputs; in training, running statistics are assigned on the way."""
        return self._through(self._layers, variables, inputs, training)

    def _through(self, layers: Sequence[Layer], variables: Sequence[Any], inputs: Any, training: bool) -> Any:
        for layer, own in by_layer(layers, variables):
            build = self._table[type(layer)]
            inputs = build(layer, inputs, own, training) if type(layer) in self._by_mode else build(layer, inputs, *own)
        return inputs

    # ------------------------------------------------------------ products and images

    def _dense(self, layer: Dense, activations: Any, kernel: Any, bias: Any) -> Any:
        tf = self._tf
        outputs = tf.matmul(tf.reshape(activations, [-1, kernel.shape[0]]), kernel) + bias
        return tf.nn.relu(outputs) if layer.relu else outputs

    def _convolution(self, layer: Convolution, images: Any, kernel: Any, bias: Any) -> Any:
        tf = self._tf
        convolved = tf.nn.conv2d(images, kernel, strides=1, padding="VALID")
        return tf.nn.max_pool2d(tf.nn.relu(tf.nn.bias_add(convolved, bias)), POOL, POOL, "VALID")

    def _padded_convolution(self, layer: PaddedConvolution, images: Any, kernel: Any) -> Any:
        """TensorFlow's own "SAME" is ours as long as the stride is 1."""
        tf, edge = self._tf, [layer.padding] * 2
        if layer.stride == 1:
            return tf.nn.conv2d(images, kernel, strides=1, padding="SAME")
        padded = tf.pad(images, [[0, 0], edge, edge, [0, 0]])
        return tf.nn.conv2d(padded, kernel, strides=layer.stride, padding="VALID")

    def _residual(self, layer: Residual, inputs: Any, own: Sequence[Any], training: bool) -> Any:
        outputs = self._through(layer.body, own, inputs, training)
        if layer.stride > 1 or layer.new_channels:
            kept = inputs[:, :: layer.stride, :: layer.stride]
            inputs = self._tf.pad(kept, [[0, 0], [0, 0], [0, 0], [0, layer.new_channels]])
        return outputs + inputs

    # ------------------------------------------------------------ normalisation

    def _batch_normalisation(self, layer: BatchNormalisation, inputs: Any, own: Sequence[Any], training: bool) -> Any:
        tf = self._tf
        scale, offset, *running = own
        if not training:
            return tf.nn.batch_normalization(inputs, *running, offset, scale, EPSILON)
        if self._fuses_norms:
            outputs, *now = self._fused(layer, inputs, scale, offset)
        else:
            now = tf.nn.moments(inputs, axes=[0, 1, 2])
            outputs = tf.nn.batch_normalization(inputs, *now, offset, scale, EPSILON)
        for before, each in zip(running, now, strict=True):
            before.assign(MOMENTUM * before + (1 - MOMENTUM) * tf.stop_gradient(each))
        return outputs

    def _fused(self, layer: BatchNormalisation, inputs: Any, scale: Any, offset: Any) -> tuple[Any, Any, Any]:
        """TensorFlow's one kernel; the variance that it gives has n - 1 in its denominator."""
        made = self._tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=scale, offset=offset, mean=[], variance=[], epsilon=EPSILON, is_training=True
        )
        samples = inputs.shape[0] * prod(layer.input_shape[:2])
        return made.y, made.batch_mean, made.batch_variance * ((samples - 1) / samples)

    def _gelu(self, layer: Gelu, inputs: Any) -> Any:
        """TensorFlow's own takes the root of 2 in float32, so that in float64 it is spelt out."""
        tf = self._tf
        if inputs.dtype != tf.float64:
            return tf.nn.gelu(inputs, approximate=False)
        return inputs * (1 + tf.math.erf(inputs / tf.sqrt(tf.constant(2, tf.float64)))) / 2

    def _layer_normalisation(self, layer: LayerNormalisation, inputs: Any, scale: Any, offset: Any) -> Any:
        mean, variance = self._tf.nn.moments(inputs, axes=[-1], keepdims=True)
        return self._tf.nn.batch_normalization(inputs, mean, variance, offset, scale, EPSILON)

    # ------------------------------------------------------------ recurrence

    def _lstm(self, layer: Lstm, inputs: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
        tf = self._tf

        def step(carried: Any, now: Any) -> tuple[Any, Any]:
            state, cell = carried
            i, f, g, o = tf.split(tf.matmul(now, kernel) + bias + tf.matmul(state, recurrent), 4, axis=1)
            cell = tf.sigmoid(f) * cell + tf.sigmoid(i) * tf.tanh(g)
            return tf.sigmoid(o) * tf.tanh(cell), cell

        start = self._zeros(layer, inputs)
        return self._states(layer, step, (start, start), inputs, lambda carried: carried[0])

    def _gru(self, layer: Gru, inputs: Any, kernel: Any, recurrent: Any, bias: Any, recurrent_bias: Any) -> Any:
        tf = self._tf

        def step(state: Any, now: Any) -> Any:
            of_input = tf.split(tf.matmul(now, kernel) + bias, 3, axis=1)
            of_state = tf.split(tf.matmul(state, recurrent) + recurrent_bias, 3, axis=1)
            z, r = (tf.sigmoid(of_input[gate] + of_state[gate]) for gate in (0, 1))
            return z * state + (1 - z) * tf.tanh(of_input[2] + r * of_state[2])

        return self._states(layer, step, self._zeros(layer, inputs), inputs, lambda carried: carried)

    def _zeros(self, layer: Lstm | Gru, inputs: Any) -> Any:
        return self._tf.zeros([self._tf.shape(inputs)[0], layer.units], inputs.dtype)

    def _states(self, layer: Lstm | Gru, step: Any, start: Any, inputs: Any, state_of: Any) -> Any:
        """`tf.scan` over the steps. XLA takes it as it is: unrolled, it was no faster, and compiled for far longer."""
        every = state_of(self._tf.scan(step, self._tf.transpose(inputs, [1, 0, 2]), start))
        return self._tf.transpose(every, [1, 0, 2]) if layer.returns_sequence else every[-1]

    # ------------------------------------------------------------ attention

    def _embedding(self, layer: Embedding, tokens: Any, table: Any, places: Any) -> Any:
        return self._tf.nn.embedding_lookup(table, tokens) + places

    def _causal_attention(
        self, layer: CausalAttention, inputs: Any, kernel: Any, bias: Any, output_kernel: Any, output_bias: Any
    ) -> Any:
        tf, (steps, features) = self._tf, layer.input_shape
        projected = tf.reshape(tf.matmul(inputs, kernel) + bias, [-1, steps, 3, layer.heads, layer.size])
        q, k, v = tf.unstack(tf.transpose(projected, [2, 0, 3, 1, 4]))
        scores = tf.matmul(q, k, transpose_b=True) * (1 / sqrt(layer.size))
        seen = tf.linalg.band_part(tf.ones([steps, steps], tf.bool), -1, 0)
        weights = tf.nn.softmax(tf.where(seen, scores, scores.dtype.min))
        joined = tf.reshape(tf.transpose(tf.matmul(weights, v), [0, 2, 1, 3]), [-1, steps, features])
        return tf.matmul(joined, output_kernel) + output_bias
