"""The layers as modules of PyTorch's own, and how each of their tensors differs from ours in layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

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

Turn = Callable[["Array"], "Array"]


@dataclass
class Slot:
    """A tensor of a module, with the way of our array into its layout and back."""

    tensor: Any
    into: Turn
    back: Turn

    def write(self, torch: Any, array: Array) -> None:
        self.tensor.copy_(torch.as_tensor(np.ascontiguousarray(self.into(array)), device=self.tensor.device))

    def read(self) -> Array:
        """A copy: the next step writes where the tensor is."""
        return np.array(self.back(self.tensor.detach().cpu().numpy()), order="C")


@dataclass
class RunningMean:
    """By its module: a module that moves gets other buffers, where parameters stay the same."""

    module: Any

    def write(self, torch: Any, array: Array) -> None:
        self.module.running_mean.copy_(torch.as_tensor(array, device=self.module.running_mean.device))

    def read(self) -> Array:
        return np.array(self.module.running_mean.cpu().numpy())


@dataclass
class RunningVariance:
    """PyTorch keeps the variance with n - 1, we that with n: each step's part differs by that factor, the start not."""

    module: Any
    samples: int
    """Of one batch, and their pixels."""
    _start: Array | None = None

    def write(self, torch: Any, array: Array) -> None:
        self._start = array.astype(np.float64)
        self.module.running_var.copy_(torch.as_tensor(array, device=self.module.running_var.device))
        self.module.num_batches_tracked.zero_()

    def read(self) -> Array:
        kept: Array = self.module.running_var.detach().cpu().numpy()
        assert self._start is not None
        of_start = self._start * MOMENTUM ** int(self.module.num_batches_tracked)
        return np.asarray(of_start + (kept - of_start) * (self.samples - 1) / self.samples, kept.dtype)


Slots = list[Slot | RunningMean | RunningVariance]


class Layers:
    """The modules of a list of layers, and the slots of their tensors in the order in which weights travel."""

    def __init__(self, torch: Any, layers: Sequence[Layer], *, tuned: bool, batch_size: int) -> None:
        self._torch, self._tuned, self._batch_size = torch, tuned, batch_size
        nn = torch.nn
        self._table = supported(
            layers,
            {
                Convolution: self._convolution,
                Dense: self._dense,
                PaddedConvolution: self._padded_convolution,
                GlobalAverage: lambda layer: ([nn.AdaptiveAvgPool2d(1), nn.Flatten()], []),
                PositionDense: self._position_dense,
                Relu: lambda layer: ([nn.ReLU()], []),
                Gelu: lambda layer: ([nn.GELU()], []),
                BatchNormalisation: self._batch_normalisation,
                LayerNormalisation: self._layer_normalisation,
                Residual: self._residual,
                Lstm: self._recurrent,
                Gru: self._recurrent,
                Embedding: self._embedding,
                CausalAttention: self._causal_attention,
            },
            "PyTorch",
        )
        modules, self._slots = self._built(layers)
        self.model = nn.Sequential(*modules)

    def write(self, weights: Weights) -> None:
        with self._torch.no_grad():
            for slot, array in zip(self._slots, weights, strict=True):
                slot.write(self._torch, array)

    def read(self) -> Weights:
        return [slot.read() for slot in self._slots]

    def _built(self, layers: Sequence[Layer]) -> tuple[list[Any], Slots]:
        modules: list[Any] = []
        slots: Slots = []
        for layer in layers:
            made, own = self._table[type(layer)](layer)
            modules, slots = [*modules, *made], [*slots, *own]
        return modules, slots

    # ------------------------------------------------------------ products and images

    def _dense(self, layer: Dense) -> tuple[list[Any], Slots]:
        nn = self._torch.nn
        linear = nn.Linear(layer.inputs, layer.units)
        flattened = [nn.Flatten()] if takes_images(layer) else []
        into, back = _rows_of_images(layer) if takes_images(layer) else (_transposed, _transposed)
        return [*flattened, linear, *([nn.ReLU()] if layer.relu else [])], [
            Slot(linear.weight, into, back),
            _same(linear.bias),
        ]

    def _position_dense(self, layer: PositionDense) -> tuple[list[Any], Slots]:
        linear = self._torch.nn.Linear(layer.input_shape[-1], layer.units)
        return [linear], [_turned(linear.weight), _same(linear.bias)]

    def _convolution(self, layer: Convolution) -> tuple[list[Any], Slots]:
        nn = self._torch.nn
        convolution = nn.Conv2d(layer.input_shape[2], layer.filters, KERNEL)
        slots: Slots = [Slot(convolution.weight, _kernel_first, _kernel_last), _same(convolution.bias)]
        return [convolution, nn.ReLU(), nn.MaxPool2d(POOL)], slots

    def _padded_convolution(self, layer: PaddedConvolution) -> tuple[list[Any], Slots]:
        made = self._torch.nn.Conv2d(
            *(layer.input_shape[2], layer.filters, layer.size),
            stride=layer.stride,
            padding=layer.padding,
            bias=False,
        )
        return [made], [Slot(made.weight, _kernel_first, _kernel_last)]

    def _residual(self, layer: Residual) -> tuple[list[Any], Slots]:
        modules, slots = self._built(layer.body)
        return [_residual_module(self._torch, modules, layer.stride, layer.new_channels)], slots

    # ------------------------------------------------------------ normalisation

    def _batch_normalisation(self, layer: BatchNormalisation) -> tuple[list[Any], Slots]:
        height, width, channels = layer.input_shape
        made = self._torch.nn.BatchNorm2d(channels, eps=EPSILON, momentum=1 - MOMENTUM)
        variance = RunningVariance(made, self._batch_size * height * width)
        return [made], [_same(made.weight), _same(made.bias), RunningMean(made), variance]

    def _layer_normalisation(self, layer: LayerNormalisation) -> tuple[list[Any], Slots]:
        made = self._torch.nn.LayerNorm(layer.input_shape[-1], eps=EPSILON)
        return [made], [_same(made.weight), _same(made.bias)]

    # ------------------------------------------------------------ recurrence

    def _recurrent(self, layer: Lstm | Gru) -> tuple[list[Any], Slots]:
        """Its second bias of an LSTM does what the first one does: it stays at zero."""
        is_lstm = isinstance(layer, Lstm)
        kind = self._torch.nn.LSTM if is_lstm else self._torch.nn.GRU
        made = kind(layer.input_shape[1], layer.units, batch_first=True)
        kernels = (made.weight_ih_l0, made.weight_hh_l0)
        if is_lstm:
            self._torch.nn.init.zeros_(made.bias_hh_l0)
            made.bias_hh_l0.requires_grad_(False)
            slots: Slots = [*map(_turned, kernels), _same(made.bias_ih_l0)]
        else:
            turns = [Slot(kernel, _gates_then_turned, _turned_then_gates) for kernel in kernels]
            slots = [*turns, *(Slot(bias, _gates, _gates) for bias in (made.bias_ih_l0, made.bias_hh_l0))]
        return [_state_module(self._torch, made, layer.returns_sequence)], slots

    # ------------------------------------------------------------ attention

    def _embedding(self, layer: Embedding) -> tuple[list[Any], Slots]:
        nn = self._torch.nn
        tokens = nn.Embedding(layer.tokens, layer.features)
        places = nn.Embedding(layer.input_shape[0], layer.features)
        made = _embedding_module(self._torch, tokens, places)
        return [made], [_same(tokens.weight), _same(places.weight)]

    def _causal_attention(self, layer: CausalAttention) -> tuple[list[Any], Slots]:
        make = _attention_by_product if self._tuned else _attention_by_module
        steps, features = layer.input_shape
        made, tensors = make(self._torch, features, layer.heads, steps)
        kernel, bias, output_kernel, output_bias = tensors
        return [made], [_turned(kernel), _same(bias), _turned(output_kernel), _same(output_bias)]


# ---------------------------------------------------------------- modules that PyTorch's users write


def _residual_module(torch: Any, body: list[Any], stride: int, new_channels: int) -> Any:
    class Residual(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body = torch.nn.Sequential(*body)

        def forward(self, inputs: Any) -> Any:
            around = inputs
            if stride > 1 or new_channels:
                around = torch.nn.functional.pad(inputs[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, new_channels))
            return self.body(inputs) + around

    return Residual()


def _state_module(torch: Any, recurrent: Any, returns_sequence: bool) -> Any:
    class States(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.recurrent = recurrent

        def forward(self, inputs: Any) -> Any:
            outputs = self.recurrent(inputs)[0]
            return outputs if returns_sequence else outputs[:, -1]

    return States()


def _embedding_module(torch: Any, tokens: Any, places: Any) -> Any:
    class Embeddings(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.places = tokens, places

        def forward(self, inputs: Any) -> Any:
            return self.tokens(inputs) + self.places.weight

    return Embeddings()


def _attention_by_module(torch: Any, features: int, heads: int, steps: int) -> tuple[Any, tuple[Any, ...]]:
    """`nn.MultiheadAttention` with a causal mask."""

    class Attention(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.attention = torch.nn.MultiheadAttention(features, heads, batch_first=True)
            later = torch.ones(steps, steps, dtype=torch.bool).triu(1)
            self.register_buffer("later", later, persistent=False)

        def forward(self, inputs: Any) -> Any:
            own = {"attn_mask": self.later, "is_causal": True, "need_weights": False}
            return self.attention(inputs, inputs, inputs, **own)[0]

    made = Attention()
    own = made.attention
    return made, (own.in_proj_weight, own.in_proj_bias, own.out_proj.weight, own.out_proj.bias)


def _attention_by_product(torch: Any, features: int, heads: int, steps: int) -> tuple[Any, tuple[Any, ...]]:
    """`scaled_dot_product_attention`, which is told that it is causal and needs no mask."""

    class Attention(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.projection = torch.nn.Linear(features, 3 * features)
            self.output = torch.nn.Linear(features, features)

        def forward(self, inputs: Any) -> Any:
            parts = self.projection(inputs).unflatten(2, (3, heads, features // heads)).permute(2, 0, 3, 1, 4)
            product = torch.nn.functional.scaled_dot_product_attention
            joined = product(parts[0], parts[1], parts[2], is_causal=True)
            return self.output(joined.transpose(1, 2).flatten(2))

    made = Attention()
    return made, (made.projection.weight, made.projection.bias, made.output.weight, made.output.bias)


# ---------------------------------------------------------------- layouts


def _as_it_is(array: Array) -> Array:
    return array


def _same(tensor: Any) -> Slot:
    return Slot(tensor, _as_it_is, _as_it_is)


def _transposed(array: Array) -> Array:
    return array.T


def _turned(tensor: Any) -> Slot:
    return Slot(tensor, _transposed, _transposed)


def _kernel_first(array: Array) -> Array:
    return array.transpose(3, 2, 0, 1)


def _kernel_last(array: Array) -> Array:
    return array.transpose(2, 3, 1, 0)


def _rows_of_images(layer: Dense) -> tuple[Turn, Turn]:
    """A dense kernel that reads images: rows in (height, width, channel) order to (channel, height, width)."""
    height, width, channels = layer.input_shape

    def into(array: Array) -> Array:
        return array.reshape(height, width, channels, -1).transpose(2, 0, 1, 3).reshape(array.shape).T

    def back(array: Array) -> Array:
        rows = array.T.reshape(channels, height, width, -1).transpose(1, 2, 0, 3)
        return rows.reshape(prod(layer.input_shape), -1)

    return into, back


def _gates(array: Array) -> Array:
    """A GRU's gates z, r, n to r, z, n, or back, in the last axis."""
    first, second, third = np.split(array, 3, axis=-1)
    return np.concatenate([second, first, third], axis=-1)


def _gates_then_turned(array: Array) -> Array:
    return _gates(array).T


def _turned_then_gates(array: Array) -> Array:
    return _gates(array.T)
