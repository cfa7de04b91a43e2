"""What every kind of layer has, and what is done with a list of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod
from typing import Any, ClassVar, TypeVar

from engines.errors import UnsupportedError

IMAGE_AXES = 3
T = TypeVar("T")


@dataclass(frozen=True)
class Parameter:
    """One tensor of a layer; one that is not trained is a statistic of what the layer has seen."""

    name: str
    shape: tuple[int, ...]
    fan_in: int = 0
    """Its first values are normal with the deviation sqrt(2 / fan_in); 0: they are all `start`."""
    uses: int = 0
    """How often each of its elements is multiplied for one sample; 0: it is only added, or scales."""
    start: float = 0.0
    is_trained: bool = True


@dataclass(frozen=True)
class Layer:
    """`parameters` stand in the order in which weights travel."""

    kind: ClassVar[str]
    input_shape: tuple[int, ...]

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.input_shape

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return ()

    @property
    def inner(self) -> tuple[Layer, ...]:
        """The layers that it is made of; its parameters are then theirs."""
        return ()

    @property
    def other_multiply_adds(self) -> int:
        """Of the forward pass, for one sample, of activations with each other."""
        return sum(layer.other_multiply_adds for layer in self.inner)

    @property
    def multiply_adds(self) -> int:
        """Of the forward pass, for one sample."""
        return self.other_multiply_adds + sum(each.uses * prod(each.shape) for each in self.parameters)


def takes_images(layer: Layer) -> bool:
    return len(layer.input_shape) == IMAGE_AXES


def every(layers: Sequence[Layer]) -> Iterator[Layer]:
    """The layers, and those that they are made of."""
    for layer in layers:
        yield layer
        yield from every(layer.inner)


def by_layer(layers: Sequence[Layer], tensors: Sequence[T]) -> Iterator[tuple[Layer, tuple[T, ...]]]:
    """Each layer with its own of the tensors, which stand in the order in which weights travel."""
    left = iter(tensors)
    for layer in layers:
        yield layer, tuple(islice(left, len(layer.parameters)))


Builders = Mapping[type[Layer], Callable[..., Any]]
"""A framework's table: from the kinds of layers to what builds them."""


def supported(layers: Sequence[Layer], table: Builders, framework: str) -> Builders:
    """The table, if it has an entry for each kind of these layers. Raises UnsupportedError naming what is missing."""
    missing = sorted({layer.kind for layer in every(layers) if type(layer) not in table})
    if missing:
        raise UnsupportedError(f"{framework} has no {' and no '.join(missing)} layers here.")
    return table
