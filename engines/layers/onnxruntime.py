"""The layers as operators of an ONNX graph, in the order (sample, channel, height, width) that its exporters use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.networks import POOL, Convolution, Dense, Layer, by_layer, supported, takes_images
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
from engines.networks.kinds.normalisation import EPSILON
from engines.networks.layouts import to_channels_first

if TYPE_CHECKING:
    from engines.contract import Array, Weights

OPSET = 23
"""The first with attention."""
_IR_VERSION = 11


class Graph:
    """One graph, built layer by layer; values are known by their names."""

    def __init__(self, onnx: Any, layers: Sequence[Layer], dtype: str) -> None:
        self._onnx, self._layers, self._dtype = onnx, layers, dtype
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._table: dict[type[Layer], Callable[..., str]] = {
            Dense: self._dense,
            Convolution: self._convolution,
            PaddedConvolution: self._padded_convolution,
            GlobalAverage: lambda layer, images: self._node("Flatten", self._node("GlobalAveragePool", images)),
            BatchNormalisation: self._batch_normalisation,
            Residual: self._residual,
            PositionDense: self._position_dense,
            Relu: lambda layer, inputs: self._node("Relu", inputs),
            Gelu: lambda layer, inputs: self._node("Gelu", inputs),
            LayerNormalisation: self._layer_normalisation,
            Lstm: self._lstm,
            Gru: self._gru,
            Embedding: self._embedding,
            CausalAttention: self._causal_attention,
        }
        supported(layers, self._table, "ONNX Runtime")

    def model(self, weights: Weights) -> bytes:
        """From a batch of samples, `inputs`, to class probabilities, `scores`; of any number of samples."""
        first = self._layers[0]
        is_tokens = isinstance(first, Embedding)
        value = "inputs"
        if takes_images(first):
            value = self._node("Transpose", value, perm=[0, 3, 1, 2])
        value = self._through(self._layers, to_channels_first(self._layers, weights), value)
        self._nodes.append(self._onnx.helper.make_node("Softmax", [value], ["scores"], axis=-1))
        element = self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype("int64" if is_tokens else self._dtype))
        scores = self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(self._dtype))
        inputs = self._onnx.helper.make_tensor_value_info("inputs", element, ["samples", *first.input_shape])
        outputs = self._onnx.helper.make_tensor_value_info(
            "scores", scores, ["samples", *self._layers[-1].output_shape]
        )
        graph = self._onnx.helper.make_graph(self._nodes, "network", [inputs], [outputs], self._constants)
        opset = self._onnx.helper.make_opsetid("", OPSET)
        made = self._onnx.helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
        self._onnx.checker.check_model(made)
        model: bytes = made.SerializeToString()
        return model

    # ------------------------------------------------------------ nodes

    def _through(self, layers: Sequence[Layer], tensors: Sequence[Array], value: str) -> str:
        for layer, own in by_layer(layers, tensors):
            value = self._table[type(layer)](layer, value, *own)
        return value

    def _node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Its output's name."""
        return self._several(1, operator, *inputs, **attributes)[0]

    def _several(self, outputs: int, operator: str, *inputs: str, **attributes: Any) -> list[str]:
        names = [f"{operator}_{len(self._nodes)}_{number}" for number in range(outputs)]
        self._nodes.append(self._onnx.helper.make_node(operator, list(inputs), names, **attributes))
        return names

    def _constant(self, array: Array) -> str:
        name = f"constant_{len(self._constants)}"
        made = self._onnx.numpy_helper.from_array(np.ascontiguousarray(array, self._dtype), name)
        self._constants.append(made)
        return name

    def _whole(self, *values: int) -> str:
        """A constant of whole numbers: a shape, or axes."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(self._onnx.numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    # ------------------------------------------------------------ products and images

    def _dense(self, layer: Dense, value: str, kernel: Array, bias: Array) -> str:
        flat = self._node("Flatten", value) if len(layer.input_shape) > 1 else value
        outputs = self._node("Gemm", flat, self._constant(kernel), self._constant(bias))
        return self._node("Relu", outputs) if layer.relu else outputs

    def _position_dense(self, layer: PositionDense, value: str, kernel: Array, bias: Array) -> str:
        return self._node("Add", self._node("MatMul", value, self._constant(kernel)), self._constant(bias))

    def _convolution(self, layer: Convolution, value: str, kernel: Array, bias: Array) -> str:
        convolved = self._node("Conv", value, self._constant(kernel), self._constant(bias))
        return self._node("MaxPool", self._node("Relu", convolved), kernel_shape=[POOL] * 2, strides=[POOL] * 2)

    def _padded_convolution(self, layer: PaddedConvolution, value: str, kernel: Array) -> str:
        strides, pads = [layer.stride] * 2, [layer.padding] * 4
        return self._node("Conv", value, self._constant(kernel), strides=strides, pads=pads)

    def _batch_normalisation(self, layer: BatchNormalisation, value: str, *own: Array) -> str:
        return self._node("BatchNormalization", value, *map(self._constant, own), epsilon=EPSILON)

    def _residual(self, layer: Residual, value: str, *own: Array) -> str:
        outputs, around = self._through(layer.body, own, value), value
        if layer.stride > 1:
            ends, axes, steps = self._whole(2**31, 2**31), self._whole(2, 3), self._whole(layer.stride, layer.stride)
            around = self._node("Slice", around, self._whole(0, 0), ends, axes, steps)
        if layer.new_channels:
            around = self._node("Pad", around, self._whole(0, 0, 0, 0, 0, layer.new_channels, 0, 0))
        return self._node("Add", outputs, around)

    def _layer_normalisation(self, layer: LayerNormalisation, value: str, scale: Array, offset: Array) -> str:
        return self._node(
            "LayerNormalization", value, self._constant(scale), self._constant(offset), axis=-1, epsilon=EPSILON
        )

    # ------------------------------------------------------------ recurrence

    def _lstm(self, layer: Lstm, value: str, kernel: Array, recurrent: Array, bias: Array) -> str:
        """Gates i, o, f, g; a second bias, which stays zero."""
        both = np.concatenate([_gates(bias, (0, 3, 1, 2)), np.zeros_like(bias)])
        kernels = [_gates(each, (0, 3, 1, 2)).T for each in (kernel, recurrent)]
        return self._recurrent("LSTM", layer, value, [*kernels, both])

    def _gru(self, layer: Gru, value: str, kernel: Array, recurrent: Array, bias: Array, recurrent_bias: Array) -> str:
        own = [kernel.T, recurrent.T, np.concatenate([bias, recurrent_bias])]
        return self._recurrent("GRU", layer, value, own, linear_before_reset=1)

    def _recurrent(self, operator: str, layer: Lstm | Gru, value: str, own: list[Array], **attributes: int) -> str:
        """Steps come first, and a direction of which there is one."""
        by_step = self._node("Transpose", value, perm=[1, 0, 2])
        tensors = [self._constant(each[None]) for each in own]
        made = self._several(2, operator, by_step, *tensors, hidden_size=layer.units, **attributes)
        if not layer.returns_sequence:
            return self._node("Squeeze", made[1], self._whole(0))
        return self._node("Transpose", self._node("Squeeze", made[0], self._whole(1)), perm=[1, 0, 2])

    # ------------------------------------------------------------ attention

    def _embedding(self, layer: Embedding, value: str, tokens: Array, places: Array) -> str:
        return self._node("Add", self._node("Gather", self._constant(tokens), value), self._constant(places))

    def _causal_attention(
        self, layer: CausalAttention, value: str, kernel: Array, bias: Array, output_kernel: Array, output_bias: Array
    ) -> str:
        projected = self._node("Add", self._node("MatMul", value, self._constant(kernel)), self._constant(bias))
        parts = self._several(3, "Split", projected, axis=-1, num_outputs=3)
        heads = {"q_num_heads": layer.heads, "kv_num_heads": layer.heads}
        joined = self._node("Attention", *parts, is_causal=1, **heads)
        return self._node(
            "Add", self._node("MatMul", joined, self._constant(output_kernel)), self._constant(output_bias)
        )


def _gates(array: Array, order: tuple[int, ...]) -> Array:
    """Gates in another order, in the last axis."""
    parts = np.split(array, len(order), axis=-1)
    return np.concatenate([parts[gate] for gate in order], axis=-1)
