"""What is done to each value alone."""

from __future__ import annotations

from dataclasses import dataclass

from engines.networks.kinds.layer import Layer


@dataclass(frozen=True)
class Relu(Layer):
    """max(x, 0), of slope 0 at 0."""

    kind = "ReLU"


@dataclass(frozen=True)
class Gelu(Layer):
    """x Phi(x) with the normal distribution's Phi by erf, not its approximation by tanh (Hendrycks & Gimpel 2016)."""

    kind = "GELU"
