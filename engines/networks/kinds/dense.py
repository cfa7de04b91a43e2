"""Matrix products: of a whole sample, or of each of its positions."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from engines.networks.kinds.layer import Layer, Parameter


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


@dataclass(frozen=True)
class PositionDense(Layer):
    """The features of each position -> units, by one kernel for all positions; no activation.

    As a network's last layer, it gives each position's class scores.
    """

    kind = "position-wise dense"
    units: int

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (*self.input_shape[:-1], self.units)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        *positions, features = self.input_shape
        # Half of what ReLU needs (He et al. 2015): what follows here is no ReLU.
        kernel = Parameter("kernel", (features, self.units), fan_in=2 * features, uses=prod(positions))
        return kernel, Parameter("bias", (self.units,))
