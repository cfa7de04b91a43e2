"""The kinds of layers that networks are made of. Each says its parameters, its outputs and its work.

A framework has a table from kinds to what builds them: a new kind is one class here and one entry for each framework.
Shapes are those of one sample: (features,), or (height, width, channels).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod
from typing import Any, ClassVar, TypeVar

from engines.errors import UnsupportedError

KERNEL = 5
POOL = 2
T = TypeVar("T")


@dataclass(frozen=True)
class Parameter:
    """One tensor that is trained."""

    name: str
    shape: tuple[int, ...]
    fan_in: int = 0
    """Its first values are normal with the deviation sqrt(2 / fan_in); 0: they are zero."""
    uses: int = 0
    """How often each of its elements is multiplied for one sample; 0: it is only added."""


@dataclass(frozen=True)
class Layer:
    """What every kind has. `parameters` stand in the order in which weights travel."""

    kind: ClassVar[str]
    input_shape: tuple[int, ...]

    @property
    def output_shape(self) -> tuple[int, ...]:
        raise NotImplementedError

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return ()

    @property
    def multiply_adds(self) -> int:
        """Of the forward pass, for one sample."""
        return sum(parameter.uses * prod(parameter.shape) for parameter in self.parameters)


@dataclass(frozen=True)
class Convolution(Layer):
    """5x5 kernels, stride 1, no padding, then ReLU and 2x2 max-pooling."""

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
class Dense(Layer):
    """All inputs -> units, then ReLU; the last layer of a network has softmax instead (`relu` is false).

    Images are read in (height, width, channel) order.
    """

    kind = "dense"
    units: int
    relu: bool = True

    @property
    def inputs(self) -> int:
        return prod(self.input_shape)

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (self.units,)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        kernel = Parameter("kernel", (self.inputs, self.units), fan_in=self.inputs, uses=1)
        return kernel, Parameter("bias", (self.units,))


IMAGE_AXES = 3


def takes_images(layer: Layer) -> bool:
    return len(layer.input_shape) == IMAGE_AXES


def has_convolutions(layers: Sequence[Layer]) -> bool:
    """Whether any layer but the last ones reads images: what compilers of graphs treat apart."""
    return any(isinstance(layer, Convolution) for layer in layers)


def by_layer(layers: Sequence[Layer], tensors: Sequence[T]) -> Iterator[tuple[Layer, tuple[T, ...]]]:
    """Each layer with its own of the tensors, which stand in the order in which weights travel."""
    left = iter(tensors)
    for layer in layers:
        yield layer, tuple(islice(left, len(layer.parameters)))


Builders = Mapping[type[Layer], Callable[..., Any]]
"""A framework's table: from the kinds of layers to what builds them."""


def supported(layers: Sequence[Layer], table: Builders, framework: str) -> Builders:
    """The table, if it has an entry for each kind of these layers. Raises UnsupportedError naming what is missing."""
    missing = sorted({layer.kind for layer in layers if type(layer) not in table})
    if missing:
        raise UnsupportedError(f"{framework} has no {' and no '.join(missing)} layers here.")
    return table
