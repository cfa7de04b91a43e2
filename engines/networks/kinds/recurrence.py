"""Recurrent layers over (steps, features). The first state is zero; the last state is the output, or all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engines.networks.kinds.layer import Layer, Parameter


@dataclass(frozen=True)
class _Recurrent(Layer):
    units: int
    returns_sequence: bool = False
    """All states instead of the last one: what another recurrent layer reads."""
    gates: ClassVar[int]

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (self.input_shape[0], self.units) if self.returns_sequence else (self.units,)

    def _kernels(self) -> tuple[Parameter, Parameter]:
        steps, features = self.input_shape
        columns = self.gates * self.units
        # Twice the inputs: a deviation of 1 / sqrt(inputs), since tanh and sigmoid lose nothing to a ReLU.
        return (
            Parameter("kernel", (features, columns), fan_in=2 * features, uses=steps),
            Parameter("recurrent kernel", (self.units, columns), fan_in=2 * self.units, uses=steps),
        )


@dataclass(frozen=True)
class Lstm(_Recurrent):
    """i, f, g, o = x W + h U + b, in this order; c = sigmoid(f) c + sigmoid(i) tanh(g); h = sigmoid(o) tanh(c).

    Hochreiter & Schmidhuber 1997, with forget gates, without peepholes. One bias: PyTorch's and cuDNN's second one,
    which does the same, stays at zero and is not trained.
    """

    kind = "LSTM"
    gates = 4

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return *self._kernels(), Parameter("bias", (self.gates * self.units,))


@dataclass(frozen=True)
class Gru(_Recurrent):
    """z, r, n = x W + b and h U + c, in this order; h = z h + (1 - z) tanh(n of x + r (n of h)), z and r by sigmoid.

    Cho et al. 2014, with the reset gate after the product, as cuDNN, PyTorch and Keras have it: so there are two
    biases, b and c, and both are trained. PyTorch's order of gates is r, z, n.
    """

    kind = "GRU"
    gates = 3

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        shape = (self.gates * self.units,)
        return *self._kernels(), Parameter("bias", shape), Parameter("recurrent bias", shape)
