"""The layers as Keras' own, for Keras 3 and, on Theano, Keras 2; and how each one's weights differ from ours.

What Keras 2 has not (layer normalisation, attention) its users wrote as layers of their own: see `keras_2.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.layers import keras_2
from engines.networks import KERNEL, POOL, Convolution, Dense, Layer, supported, takes_images
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
    from engines.contract import Array, Weights

Turn = Callable[["Weights"], "Weights"]


def _as_they_are(arrays: Weights) -> Weights:
    return list(arrays)


@dataclass
class Slot:
    """A Keras layer with weights, with the way of our arrays into its own and back."""

    layer: Any
    tensors: int
    """How many of our arrays are its."""
    into: Turn = _as_they_are
    back: Turn = _as_they_are

    def write(self, arrays: Weights) -> None:
        self.layer.set_weights(self.into(arrays))

    def read(self, steps: int) -> Weights:
        return [np.asarray(array) for array in self.back(self.layer.get_weights())]


@dataclass
class RunningStatistics(Slot):
    """Of Keras 2, whose running variance is another one: of each step it takes the variance with n, its epsilon added,
    times n / (n - 1 - epsilon). The start is as we gave it.
    """

    samples: int = 0
    _start: Array = field(default_factory=lambda: np.zeros(0))

    def write(self, arrays: Weights) -> None:
        self._start = np.asarray(arrays[3], np.float64)
        self.layer.set_weights(arrays)

    def read(self, steps: int) -> Weights:
        *others, variance = (np.asarray(array) for array in self.layer.get_weights())
        kept, epsilon = MOMENTUM**steps, keras_2.EPSILON
        of_start = self._start * kept
        of_steps = (variance - of_start) * (self.samples - 1 - epsilon) / self.samples - epsilon * (1 - kept)
        return [*others, np.asarray(of_start + of_steps, variance.dtype)]


Made = list[Callable[[Any], Any]]
"""Keras layers, or what is called like one."""


@dataclass
class Layers:
    """The model of a list of layers."""

    keras: Any
    layers: Sequence[Layer]
    image_format: str
    turns_kernels: bool
    """Where Keras convolves instead of correlating, its kernels are turned by 180 degrees, there and back."""
    dtype: str
    batch_size: int
    spells_out: bool
    """Layers whose own form computes in float32 whatever it is given, in float64."""
    dense_tables: bool
    """On TensorFlow, Keras' Adam leaves rows of an embedding alone that a batch has not: ours moves all of them."""

    def __post_init__(self) -> None:
        self.is_keras_2 = self.keras.__version__.startswith("2.")
        self._slots: list[Slot] = []
        self._table = supported(
            self.layers,
            {
                Convolution: self._convolution,
                Dense: self._dense,
                PaddedConvolution: self._padded_convolution,
                GlobalAverage: lambda layer: [self.keras.layers.GlobalAveragePooling2D()],
                PositionDense: self._position_dense,
                Relu: lambda layer: [self.keras.layers.Activation("relu")],
                Gelu: self._gelu,
                BatchNormalisation: self._batch_normalisation,
                LayerNormalisation: self._layer_normalisation,
                Residual: self._residual,
                Lstm: self._lstm,
                Gru: self._gru,
                Embedding: self._embedding,
                CausalAttention: self._causal_attention,
            },
            "Keras",
        )

    def model(self, shape: tuple[int, ...]) -> Any:
        """`Sequential`, or where there are ways around layers the functional form."""
        made = [each for layer in self.layers for each in self._table[type(layer)](layer)]
        dtype = {"dtype": "int32"} if isinstance(self.layers[0], Embedding) else {}
        if not any(isinstance(layer, Residual) for layer in self.layers):
            first = self.keras.layers.InputLayer(input_shape=shape) if self.is_keras_2 else self.keras.Input(shape)
            return self.keras.models.Sequential([first, *made])
        first = self.keras.layers.Input(shape, **dtype)
        return self.keras.models.Model(first, _through(made, first))

    def write(self, weights: Weights) -> None:
        left = list(weights)
        for slot in self._slots:
            slot.write(left[: slot.tensors])
            left = left[slot.tensors :]

    def read(self, steps: int) -> Weights:
        """After so many steps since they were written."""
        return [array for slot in self._slots for array in slot.read(steps)]

    def _owning(self, layer: Any, tensors: int, into: Turn = _as_they_are, back: Turn = _as_they_are) -> Any:
        self._slots.append(Slot(layer, tensors, into, back))
        return layer

    def _convolving(self, layer: Any, tensors: int) -> Any:
        turn = _turned if self.turns_kernels else _as_they_are
        return self._owning(layer, tensors, turn, turn)

    # ------------------------------------------------------------ products and images

    def _convolution(self, layer: Convolution) -> Made:
        layers = self.keras.layers
        convolution = layers.Conv2D(layer.filters, KERNEL, **activation("relu"))
        return [self._convolving(convolution, 2), layers.MaxPooling2D(POOL)]

    def _dense(self, layer: Dense) -> Made:
        """Keras' Flatten gives (height, width, channel) order in either image format."""
        layers = self.keras.layers
        flattened = [layers.Flatten()] if takes_images(layer) else []
        made = layers.Dense(layer.units, **activation("relu" if layer.relu else "softmax"))
        return [*flattened, self._owning(made, 2)]

    def _position_dense(self, layer: PositionDense) -> Made:
        is_last = layer is self.layers[-1]
        made = self.keras.layers.Dense(layer.units, **(activation("softmax") if is_last else {}))
        return [self._owning(made, 2)]

    def _padded_convolution(self, layer: PaddedConvolution) -> Made:
        """Keras' own "same" is ours as long as the stride is 1."""
        layers = self.keras.layers
        padding = "same" if layer.stride == 1 else "valid"
        made = layers.Conv2D(layer.filters, layer.size, strides=layer.stride, padding=padding, use_bias=False)
        padded = [] if layer.stride == 1 else [layers.ZeroPadding2D(layer.padding)]
        return [*padded, self._convolving(made, 1)]

    def _residual(self, layer: Residual) -> Made:
        body = [each for inner in layer.body for each in self._table[type(inner)](inner)]

        def around(inputs: Any) -> Any:
            kept = self._shortcut(layer)(inputs) if layer.stride > 1 or layer.new_channels else inputs
            return self.keras.layers.add([_through(body, inputs), kept])

        return [around]

    def _shortcut(self, layer: Residual) -> Any:
        every, none = slice(None), slice(None, None, layer.stride)
        channels_last = self.image_format == "channels_last"
        place = (every, none, none, every) if channels_last else (every, every, none, none)
        edges = [[0, 0]] * 4
        edges[3 if channels_last else 1] = [0, layer.new_channels]
        if self.is_keras_2:
            return keras_2.shortcut(self.keras, place, edges)
        return lambda inputs: self.keras.ops.pad(inputs[place], edges)

    # ------------------------------------------------------------ normalisation and activation

    def _batch_normalisation(self, layer: BatchNormalisation) -> Made:
        axis = -1 if self.image_format == "channels_last" else 1
        epsilon = keras_2.EPSILON if self.is_keras_2 else EPSILON
        made = self.keras.layers.BatchNormalization(axis=axis, epsilon=epsilon, momentum=MOMENTUM)
        if not self.is_keras_2:
            return [self._owning(made, 4)]
        height, width, _ = layer.input_shape
        self._slots.append(RunningStatistics(made, 4, samples=self.batch_size * height * width))
        return [made]

    def _layer_normalisation(self, layer: LayerNormalisation) -> Made:
        if self.is_keras_2:
            return [self._owning(keras_2.layer_normalisation(self.keras, EPSILON), 2)]
        return [self._owning(self.keras.layers.LayerNormalization(epsilon=EPSILON), 2)]

    def _gelu(self, layer: Gelu) -> Made:
        if self.is_keras_2:
            return [keras_2.gelu(self.keras)]
        if not self.spells_out:
            return [self.keras.layers.Activation("gelu")]
        erf = self.keras.ops.erf
        return [self.keras.layers.Lambda(lambda inputs: inputs * (1 + erf(inputs / sqrt(2))) / 2)]

    # ------------------------------------------------------------ recurrence

    def _lstm(self, layer: Lstm) -> Made:
        made = self.keras.layers.LSTM(layer.units, **self._recurrent(layer))
        return [self._owning(made, 3)]

    def _gru(self, layer: Gru) -> Made:
        made = self.keras.layers.GRU(layer.units, reset_after=True, **self._recurrent(layer))
        return [self._owning(made, 4, _biases_stacked, _biases_apart)]

    def _recurrent(self, layer: Lstm | Gru) -> dict[str, Any]:
        """On Theano unrolled, since its loop does not compile."""
        unrolled = {"unroll": True} if self.is_keras_2 else {}
        return {"return_sequences": layer.returns_sequence, "recurrent_activation": "sigmoid", **unrolled}

    # ------------------------------------------------------------ attention

    def _embedding(self, layer: Embedding) -> Made:
        shape = (layer.tokens, layer.input_shape[0], layer.features)
        made = keras_2.embedding(self.keras, *shape) if self.is_keras_2 else self._token_and_position(*shape)
        return [self._owning(made, 2)]

    def _token_and_position(self, tokens: int, steps: int, features: int) -> Any:
        keras, is_dense = self.keras, self.dense_tables

        class TokenAndPositionEmbedding(keras.layers.Layer):  # type: ignore[misc, name-defined]
            """As Keras' own examples write it."""

            def __init__(self) -> None:
                super().__init__()
                self.tokens = keras.layers.Embedding(tokens, features)
                self.places = keras.layers.Embedding(steps, features)

            def build(self, shape: Any) -> None:
                self.tokens.build(shape)
                self.places.build((steps,))
                self.built = True

            def call(self, inputs: Any) -> Any:
                # What is multiplied has a gradient for every row.
                rows = keras.ops.take(1 * self.tokens.embeddings, inputs, axis=0) if is_dense else self.tokens(inputs)
                return rows + self.places(keras.ops.arange(steps))

            def compute_output_shape(self, shape: Any) -> Any:
                return (*shape, features)

        return TokenAndPositionEmbedding()

    def _causal_attention(self, layer: CausalAttention) -> Made:
        if self.is_keras_2:
            return [self._owning(keras_2.attention(self.keras, layer.input_shape, layer.heads), 4)]
        own = self.keras.layers.MultiHeadAttention(layer.heads, layer.size)

        def apart(arrays: Weights) -> Weights:
            return _heads_apart(arrays, layer)

        self._owning(own, 4, apart, lambda arrays: _heads_joined(arrays, layer))
        if self.spells_out:
            return [lambda inputs: own(inputs, inputs, use_causal_mask=True, return_attention_scores=True)[0]]
        return [lambda inputs: own(inputs, inputs, use_causal_mask=True)]


def activation(name: str) -> dict[str, str]:
    return {"activation": name}


def _through(made: Made, inputs: Any) -> Any:
    for each in made:
        inputs = each(inputs)
    return inputs


def _turned(arrays: Weights) -> Weights:
    kernel, *others = arrays
    return [kernel[::-1, ::-1].copy(), *others]


def _biases_stacked(arrays: Weights) -> Weights:
    *kernels, bias, recurrent_bias = arrays
    return [*kernels, np.stack([bias, recurrent_bias])]


def _biases_apart(arrays: Weights) -> Weights:
    *kernels, biases = arrays
    return [*kernels, *np.asarray(biases)]


def _heads_apart(arrays: Weights, layer: CausalAttention) -> Weights:
    """Of queries, keys and values a kernel (features, heads, size) and a bias (heads, size) each."""
    kernel, bias, output_kernel, output_bias = arrays
    shape = (layer.heads, layer.size)
    kernels = [part.reshape(-1, *shape) for part in np.split(kernel, 3, axis=1)]
    biases = [part.reshape(shape) for part in np.split(bias, 3)]
    pairs = [array for pair in zip(kernels, biases, strict=True) for array in pair]
    return [*pairs, output_kernel.reshape(*shape, -1), output_bias]


def _heads_joined(arrays: Weights, layer: CausalAttention) -> Weights:
    features = layer.input_shape[1]
    *pairs, output_kernel, output_bias = (np.asarray(array) for array in arrays)
    kernel = np.concatenate([array.reshape(features, -1) for array in pairs[::2]], axis=1)
    bias = np.concatenate([array.reshape(-1) for array in pairs[1::2]])
    return [kernel, bias, output_kernel.reshape(features, -1), output_bias]
