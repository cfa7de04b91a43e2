"""What follows from a network's layers, whatever they are: parameters, FLOPs, steps, initial weights."""

from __future__ import annotations

from math import prod, sqrt
from typing import TYPE_CHECKING

from engines.contract import Network, NetworkType, SampleShape
from engines.datasets import catalogue
from engines.networks.architectures import of_type
from engines.networks.layer_kinds import IMAGE_AXES, Layer, Parameter

if TYPE_CHECKING:
    from engines.contract import Weights


def trains_on(network_type: NetworkType, shape: tuple[int, ...]) -> bool:
    """Whether such networks can train on samples of this shape."""
    return not of_type(network_type).takes_images or len(shape) == IMAGE_AXES


def sample_shape(network: Network, sample: SampleShape | None = None) -> SampleShape:
    """`sample`, or that of the data set which such networks train on where nobody says otherwise."""
    if sample is not None:
        return sample
    source = catalogue.find(of_type(network.type).dataset)
    return SampleShape(source.shape, source.classes)


def input_shape(network: Network, sample: SampleShape | None = None) -> tuple[int, ...]:
    """(features,) or (height, width, channels), as the network takes them; `sample` is the data set's."""
    shape = sample_shape(network, sample).shape
    return shape if of_type(network.type).takes_images else (prod(shape),)


def classes(network: Network, sample: SampleShape | None = None) -> int:
    return sample_shape(network, sample).classes


def layers(network: Network, sample: SampleShape | None = None) -> tuple[Layer, ...]:
    """The layers, first to last. Raises ValueError for a network that its architecture does not have."""
    return of_type(network.type).layers(network, input_shape(network, sample), classes(network, sample))


def parameters_of(network: Network, sample: SampleShape | None = None) -> list[Parameter]:
    """In the order in which weights travel: layer by layer."""
    return [parameter for layer in layers(network, sample) for parameter in layer.parameters]


def parameter_shapes(network: Network, sample: SampleShape | None = None) -> list[tuple[int, ...]]:
    """The layout in which weights travel."""
    return [parameter.shape for parameter in parameters_of(network, sample)]


def parameter_names(network: Network, sample: SampleShape | None = None) -> list[str]:
    """`kernel of layer 1`, `bias of layer 1` …"""
    numbered = enumerate(layers(network, sample), 1)
    return [f"{parameter.name} of layer {number}" for number, layer in numbered for parameter in layer.parameters]


def parameters(network: Network, sample: SampleShape | None = None) -> int:
    return sum(map(prod, parameter_shapes(network, sample)))


def training_flops(multiply_adds: list[int]) -> int:
    """For one sample, of layers with so many multiply-adds forward.

    Two per multiply-add, once forward, once for the weights' gradient and once for the inputs' gradient, which the
    first layer does not need. Biases, activations and pooling are left out, as is usual (Kaplan et al. 2020, 2.1).
    """
    first, *rest = multiply_adds
    return 2 * (2 * first + 3 * sum(rest))


def flops_per_sample(network: Network, sample: SampleShape | None = None) -> int:
    return training_flops([layer.multiply_adds for layer in layers(network, sample)])


def steps_per_epoch(samples: int, batch_size: int) -> int:
    """A short last batch is dropped."""
    return samples // batch_size


def flops_per_epoch(network: Network, *, samples: int, batch_size: int, sample: SampleShape | None = None) -> int:
    return flops_per_sample(network, sample) * steps_per_epoch(samples, batch_size) * batch_size


def initial_weights(network: Network, seed: int, dtype: str = "float32", sample: SampleShape | None = None) -> Weights:
    """Normal(0, sqrt(2 / fan-in)) where a parameter has a fan-in, else zeros (He et al. 2015; the study)."""
    import numpy as np

    generator = np.random.default_rng(seed)
    return [
        generator.normal(0.0, sqrt(2 / parameter.fan_in), parameter.shape).astype(dtype)
        if parameter.fan_in
        else np.zeros(parameter.shape, dtype)
        for parameter in parameters_of(network, sample)
    ]
