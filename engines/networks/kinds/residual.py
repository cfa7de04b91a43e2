"""A way around some layers."""

from __future__ import annotations

from dataclasses import dataclass

from engines.networks.kinds.layer import Layer, Parameter


@dataclass(frozen=True)
class Residual(Layer):
    """body(x) + x. Where the body makes images smaller and deeper, x is every so-manieth row and column of itself,
    its missing channels are zeros behind its own: option A of He et al. 2015, without parameters.
    """

    kind = "residual"
    body: tuple[Layer, ...]

    @property
    def inner(self) -> tuple[Layer, ...]:
        return self.body

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.body[-1].output_shape

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(parameter for layer in self.body for parameter in layer.parameters)

    @property
    def stride(self) -> int:
        """Which rows and columns of the inputs the way around keeps: every `stride`-th, from the first."""
        return -(-self.input_shape[0] // self.output_shape[0])

    @property
    def new_channels(self) -> int:
        """How many channels of zeros the way around gets."""
        return self.output_shape[-1] - self.input_shape[-1]
