"""Convolutions over images, and what makes images smaller."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from engines.networks.kinds.layer import Layer, Parameter

KERNEL = 5
POOL = 2


@dataclass(frozen=True)
class Convolution(Layer):
    """The study's: 5x5 kernels, stride 1, no padding, bias, then ReLU and 2x2 max-pooling."""

    kind = "convolution"
    filters: int

    @property
    def convolved_shape(self) -> tuple[int, int, int]:
        height, width, _ = self.input_shape
        return height - KERNEL + 1, width - KERNEL + 1, self.filters

    @property
    def output_shape(self) -> tuple[int, int, int]:
        height, width, filters = self.convolved_shape
        return height // POOL, width // POOL, filters

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The study scales by the length of the layer's input, not of its kernel."""
        height, width, filters = self.convolved_shape
        shape = (KERNEL, KERNEL, self.input_shape[2], filters)
        kernel = Parameter("kernel", shape, fan_in=prod(self.input_shape), uses=height * width)
        return kernel, Parameter("bias", (filters,))


@dataclass(frozen=True)
class PaddedConvolution(Layer):
    """`size` x `size` kernels, `size` odd; (size - 1) / 2 zeros on every side; no bias, no activation.

    With stride 2 and an even height, TensorFlow's "same" would pad at the end only: another convolution than this one.
    """

    kind = "padded convolution"
    filters: int
    size: int = 3
    stride: int = 1

    @property
    def padding(self) -> int:
        """Rows and columns of zeros on each side."""
        return (self.size - 1) // 2

    @property
    def output_shape(self) -> tuple[int, int, int]:
        height, width, _ = self.input_shape
        return -(-height // self.stride), -(-width // self.stride), self.filters

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        height, width, filters = self.output_shape
        shape = (self.size, self.size, self.input_shape[2], filters)
        return (Parameter("kernel", shape, fan_in=prod(shape[:3]), uses=height * width),)


@dataclass(frozen=True)
class GlobalAverage(Layer):
    """The mean of each channel over the image."""

    kind = "global average"

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.input_shape[2:]
