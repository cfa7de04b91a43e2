"""Normalisation over a batch, or over each position's features."""

from __future__ import annotations

from dataclasses import dataclass

from engines.networks.kinds.layer import Layer, Parameter

EPSILON = 1e-5
"""Added to the variance, inside of the root."""
MOMENTUM = 0.9
"""What a running statistic keeps of itself in each step; the rest comes from the batch."""


@dataclass(frozen=True)
class BatchNormalisation(Layer):
    """Each channel by its mean and variance over samples, rows and columns (Ioffe & Szegedy 2015).

    A batch's variance has n in its denominator, in the running statistic as well; PyTorch keeps the one with n - 1.
    Running statistics travel with the weights, and take the batch's place when a trained network is asked.
    """

    kind = "batch normalisation"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        shape = self.input_shape[-1:]
        return (
            Parameter("scale", shape, start=1.0),
            Parameter("offset", shape),
            Parameter("running mean", shape, is_trained=False),
            Parameter("running variance", shape, start=1.0, is_trained=False),
        )


@dataclass(frozen=True)
class LayerNormalisation(Layer):
    """Each position by its mean and variance (with n) over its features (Ba et al. 2016)."""

    kind = "layer normalisation"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        shape = self.input_shape[-1:]
        return Parameter("scale", shape, start=1.0), Parameter("offset", shape)
