"""What Keras 2 on Theano has no layers for, from its backend's functions, as its users wrote such layers."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

EPSILON = float(np.nextafter(np.float32(1e-5), np.float32(1)))
"""1e-5, and the next number of float32 above: Theano refuses less, and 1e-5 rounded to float32 is less."""
_HIDDEN = -1e30
"""A score that softmax makes nothing of."""


def shortcut(keras: Any, place: tuple[slice, ...], edges: list[list[int]]) -> Any:
    """The rows and columns of `place`, with channels of zeros behind, as `edges` has them."""
    new_channels = edges[1][1]

    def kept(inputs: Any) -> Any:
        images = inputs[place]
        if not new_channels:
            return images
        zeros = keras.backend.zeros_like(images)[:, :1]
        return keras.backend.concatenate([images, *[zeros] * new_channels], axis=1)

    def output_shape(shape: Any) -> Any:
        halved = [None if size is None else -(-size // place[2].step) for size in shape[2:]]
        return (shape[0], shape[1] + new_channels, *halved)

    return keras.layers.Lambda(kept, output_shape=output_shape)


def gelu(keras: Any) -> Any:
    """Exact: Theano would take a plain root of 2 as float32."""
    from theano import tensor

    def exact(inputs: Any) -> Any:
        return inputs * (1 + tensor.erf(inputs / np.asarray(sqrt(2), inputs.dtype))) / 2

    return keras.layers.Lambda(exact, output_shape=lambda shape: shape)


def layer_normalisation(keras: Any, epsilon: float) -> Any:
    backend = keras.backend

    class LayerNormalization(keras.layers.Layer):  # type: ignore[misc]
        def build(self, shape: Any) -> None:
            self.scale = self.add_weight("scale", (shape[-1],), initializer="ones")
            self.offset = self.add_weight("offset", (shape[-1],), initializer="zeros")
            super().build(shape)

        def call(self, inputs: Any) -> Any:
            mean, variance = (each(inputs, axis=-1, keepdims=True) for each in (backend.mean, backend.var))
            return (inputs - mean) / backend.sqrt(variance + epsilon) * self.scale + self.offset

    return LayerNormalization()


def embedding(keras: Any, tokens: int, steps: int, features: int) -> Any:
    backend = keras.backend

    class TokenAndPositionEmbedding(keras.layers.Layer):  # type: ignore[misc]
        def build(self, shape: Any) -> None:
            self.table = self.add_weight("tokens", (tokens, features), initializer="uniform")
            self.places = self.add_weight("places", (steps, features), initializer="uniform")
            super().build(shape)

        def call(self, inputs: Any) -> Any:
            rows = backend.gather(self.table, backend.flatten(backend.cast(inputs, "int32")))
            return backend.reshape(rows, (-1, steps, features)) + self.places

        def compute_output_shape(self, shape: Any) -> Any:
            return (*shape, features)

    return TokenAndPositionEmbedding()


def attention(keras: Any, shape: tuple[int, ...], heads: int) -> Any:
    """Causal, by products of Theano's."""
    from theano import tensor

    backend, (steps, features) = keras.backend, shape
    size = features // heads

    class CausalAttention(keras.layers.Layer):  # type: ignore[misc]
        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight("kernel", (features, 3 * features), initializer="uniform")
            self.bias = self.add_weight("bias", (3 * features,), initializer="zeros")
            self.output_kernel = self.add_weight("output_kernel", (features, features), initializer="uniform")
            self.output_bias = self.add_weight("output_bias", (features,), initializer="zeros")
            super().build(shape)

        def call(self, inputs: Any) -> Any:
            projected = backend.reshape(backend.dot(inputs, self.kernel) + self.bias, (-1, steps, 3, heads, size))
            parts = backend.permute_dimensions(projected, (2, 0, 3, 1, 4))
            q, k, v = (backend.reshape(parts[number], (-1, steps, size)) for number in range(3))
            scores = tensor.batched_dot(q, k.dimshuffle(0, 2, 1)) / np.asarray(sqrt(size), q.dtype)
            seen = tensor.constant(np.tri(steps, dtype=bool))
            masked = tensor.switch(seen, scores, np.asarray(_HIDDEN, scores.dtype))
            weights = tensor.nnet.softmax(masked.reshape((-1, steps))).reshape(masked.shape)
            joined = tensor.batched_dot(weights, v).reshape((-1, heads, steps, size)).dimshuffle(0, 2, 1, 3)
            outputs = backend.dot(joined.reshape((-1, steps, features)), self.output_kernel)
            return outputs + self.output_bias

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    return CausalAttention()
