"""The layers in JAX, which has none of its own: from `jax.nn`, `jax.lax` and arrays, as its guides write them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

_LAYOUT = ("NHWC", "HWIO", "NHWC")


class Layers:
    """A list of layers as one function of tensors and inputs."""

    def __init__(self, jax: Any, layers: Sequence[Layer], *, tuned: bool, on_gpu: bool) -> None:
        self._jax, self._layers, self._tuned = jax, layers, tuned
        # One product for all steps instead of one for each: what a GPU likes. On a CPU it takes half as long again.
        self._products_in_one = tuned and on_gpu
        table: dict[type[Layer], Callable[..., Any]] = {
            Convolution: self._convolution,
            Dense: self._dense,
            PaddedConvolution: self._padded_convolution,
            GlobalAverage: lambda layer, images: images.mean(axis=(1, 2)),
            PositionDense: lambda layer, inputs, kernel, bias: inputs @ kernel + bias,
            Relu: lambda layer, inputs: jax.nn.relu(inputs),
            Gelu: lambda layer, inputs: jax.nn.gelu(inputs, approximate=False),
            LayerNormalisation: self._layer_normalisation,
            Embedding: lambda layer, tokens, table, places: table[tokens] + places,
            CausalAttention: self._causal_attention,
            Lstm: self._lstm,
            Gru: self._gru,
        }
        self._with_state: dict[type[Layer], Callable[..., Any]] = {
            BatchNormalisation: self._batch_normalisation,
            Residual: self._residual,
        }
        self._table = supported(layers, {**table, **self._with_state}, "JAX")

    def forward(self, tensors: Sequence[Any], inputs: Any, *, training: bool) -> tuple[Any, list[Any]]:
        """The outputs, and the tensors with what the running statistics have become."""
        return self._through(self._layers, tensors, inputs, training)

    def _through(
        self, layers: Sequence[Layer], tensors: Sequence[Any], inputs: Any, training: bool
    ) -> tuple[Any, list[Any]]:
        seen: list[Any] = []
        for layer, own in by_layer(layers, tensors):
            if type(layer) in self._with_state:
                inputs, own = self._table[type(layer)](layer, inputs, own, training)
            else:
                inputs = self._table[type(layer)](layer, inputs, *own)
            seen += own
        return inputs, seen

    # ------------------------------------------------------------ products and images

    def _dense(self, layer: Dense, activations: Any, kernel: Any, bias: Any) -> Any:
        outputs = activations.reshape(len(activations), -1) @ kernel + bias
        return self._jax.nn.relu(outputs) if layer.relu else outputs

    def _convolution(self, layer: Convolution, images: Any, kernel: Any, bias: Any) -> Any:
        convolved = self._jax.lax.conv_general_dilated(images, kernel, (1, 1), "VALID", dimension_numbers=_LAYOUT)
        return self._max_pool(self._jax.nn.relu(convolved + bias))

    def _max_pool(self, images: Any) -> Any:
        if self._tuned:
            samples, height, width, maps = images.shape
            return images.reshape(samples, height // POOL, POOL, width // POOL, POOL, maps).max(axis=(2, 4))
        lowest, window = -self._jax.numpy.inf, (1, POOL, POOL, 1)
        return self._jax.lax.reduce_window(images, lowest, self._jax.lax.max, window, window, "VALID")

    def _padded_convolution(self, layer: PaddedConvolution, images: Any, kernel: Any) -> Any:
        strides, edges = (layer.stride,) * 2, [(layer.padding,) * 2] * 2
        return self._jax.lax.conv_general_dilated(images, kernel, strides, edges, dimension_numbers=_LAYOUT)

    def _residual(self, layer: Residual, inputs: Any, own: Sequence[Any], training: bool) -> tuple[Any, Sequence[Any]]:
        outputs, seen = self._through(layer.body, own, inputs, training)
        if layer.stride > 1 or layer.new_channels:
            kept = inputs[:, :: layer.stride, :: layer.stride]
            inputs = self._jax.numpy.pad(kept, [(0, 0), (0, 0), (0, 0), (0, layer.new_channels)])
        return outputs + inputs, seen

    # ------------------------------------------------------------ normalisation

    def _batch_normalisation(
        self, layer: BatchNormalisation, inputs: Any, own: Sequence[Any], training: bool
    ) -> tuple[Any, Sequence[Any]]:
        scale, offset, *running = own
        if not training:
            return self._normal(inputs, *running) * scale + offset, own
        axes = tuple(range(inputs.ndim - 1))
        now = (inputs.mean(axis=axes), inputs.var(axis=axes))
        seen = [MOMENTUM * before + (1 - MOMENTUM) * each for before, each in zip(running, now, strict=True)]
        return self._normal(inputs, *now) * scale + offset, (scale, offset, *seen)

    def _layer_normalisation(self, layer: LayerNormalisation, inputs: Any, scale: Any, offset: Any) -> Any:
        mean, variance = inputs.mean(axis=-1, keepdims=True), inputs.var(axis=-1, keepdims=True)
        return self._normal(inputs, mean, variance) * scale + offset

    def _normal(self, inputs: Any, mean: Any, variance: Any) -> Any:
        return (inputs - mean) * self._jax.lax.rsqrt(variance + EPSILON)

    # ------------------------------------------------------------ recurrence

    def _lstm(self, layer: Lstm, inputs: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
        jax = self._jax

        def step(carried: tuple[Any, Any], now: Any) -> tuple[tuple[Any, Any], Any]:
            state, cell = carried
            fed = now if self._products_in_one else now @ kernel + bias
            i, f, g, o = jax.numpy.split(fed + state @ recurrent, 4, axis=-1)
            cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jax.numpy.tanh(g)
            state = jax.nn.sigmoid(o) * jax.numpy.tanh(cell)
            return (state, cell), state if layer.returns_sequence else None

        start = jax.numpy.zeros((len(inputs), layer.units), inputs.dtype)
        (last, _), every = self._scan(layer, step, (start, start), inputs, kernel, bias)
        return every.swapaxes(0, 1) if layer.returns_sequence else last

    def _gru(self, layer: Gru, inputs: Any, kernel: Any, recurrent: Any, bias: Any, recurrent_bias: Any) -> Any:
        jax = self._jax

        def step(state: Any, now: Any) -> tuple[Any, Any]:
            of_input = jax.numpy.split(now if self._products_in_one else now @ kernel + bias, 3, axis=-1)
            of_state = jax.numpy.split(state @ recurrent + recurrent_bias, 3, axis=-1)
            z, r = (jax.nn.sigmoid(of_input[gate] + of_state[gate]) for gate in (0, 1))
            state = z * state + (1 - z) * jax.numpy.tanh(of_input[2] + r * of_state[2])
            return state, state if layer.returns_sequence else None

        start = jax.numpy.zeros((len(inputs), layer.units), inputs.dtype)
        last, every = self._scan(layer, step, start, inputs, kernel, bias)
        return every.swapaxes(0, 1) if layer.returns_sequence else last

    def _scan(self, layer: Lstm | Gru, step: Any, start: Any, inputs: Any, kernel: Any, bias: Any) -> tuple[Any, Any]:
        by_step = inputs.swapaxes(0, 1)
        fed = by_step @ kernel + bias if self._products_in_one else by_step
        return self._jax.lax.scan(step, start, fed)  # type: ignore[no-any-return]

    # ------------------------------------------------------------ attention

    def _causal_attention(
        self, layer: CausalAttention, inputs: Any, kernel: Any, bias: Any, output_kernel: Any, output_bias: Any
    ) -> Any:
        samples, steps, features = inputs.shape
        parts = self._jax.numpy.split(inputs @ kernel + bias, 3, axis=-1)
        q, k, v = (part.reshape(samples, steps, layer.heads, layer.size) for part in parts)
        own = self._jax.nn.dot_product_attention
        joined = self._in_float64(q, k, v) if inputs.dtype == "float64" else own(q, k, v, is_causal=True)
        return joined.reshape(samples, steps, features) @ output_kernel + output_bias

    def _in_float64(self, q: Any, k: Any, v: Any) -> Any:
        """The same from primitives: JAX's own takes its softmax in float32 whatever it is given."""
        jnp = self._jax.numpy
        scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / jnp.sqrt(q.shape[-1])
        seen = jnp.tri(q.shape[1], dtype=bool)
        weights = self._jax.nn.softmax(jnp.where(seen, scores, -jnp.inf))
        return jnp.einsum("bhqk,bkhd->bqhd", weights, v)
