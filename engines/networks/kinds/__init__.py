"""The kinds of layers that networks are made of. Each says its parameters, its outputs and its work.

A framework has a table from kinds to what builds them, in `engines/layers/`: a new kind is one class here and one
entry for each framework. Shapes are those of one sample: (features,), (height, width, channels), (steps, features),
or (steps,) for tokens.
"""

from engines.networks.kinds.activation import Gelu, Relu
from engines.networks.kinds.attention import CausalAttention, Embedding
from engines.networks.kinds.convolution import KERNEL, POOL, Convolution, GlobalAverage, PaddedConvolution
from engines.networks.kinds.dense import Dense, PositionDense
from engines.networks.kinds.layer import (
    IMAGE_AXES,
    Builders,
    Layer,
    Parameter,
    by_layer,
    every,
    supported,
    takes_images,
)
from engines.networks.kinds.normalisation import BatchNormalisation, LayerNormalisation
from engines.networks.kinds.recurrence import Gru, Lstm
from engines.networks.kinds.residual import Residual

__all__ = [
    "IMAGE_AXES",
    "KERNEL",
    "POOL",
    "BatchNormalisation",
    "Builders",
    "CausalAttention",
    "Convolution",
    "Dense",
    "Embedding",
    "Gelu",
    "GlobalAverage",
    "Gru",
    "Layer",
    "LayerNormalisation",
    "Lstm",
    "PaddedConvolution",
    "Parameter",
    "PositionDense",
    "Relu",
    "Residual",
    "by_layer",
    "every",
    "has_convolutions",
    "supported",
    "takes_images",
]


def has_convolutions(layers: tuple[Layer, ...]) -> bool:
    """What compilers of graphs treat apart."""
    return any(isinstance(layer, (Convolution, PaddedConvolution)) for layer in every(layers))
