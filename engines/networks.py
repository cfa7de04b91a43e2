"""The study's two networks, as data: layers, parameter shapes, initial weights, FLOPs; every engine builds from it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod, sqrt
from typing import TYPE_CHECKING

from engines.contract import Network, NetworkType, SampleShape

if TYPE_CHECKING:
    from engines.contract import Weights

KERNEL = 5
POOL = 2
COLOURS = 3
DENSE_AFTER_CONVOLUTIONS = (120, 84)
DATASET_FOR: dict[NetworkType, str] = {"mlp": "shuttle", "cnn": "cifar10"}
_STUDY: dict[NetworkType, SampleShape] = {"mlp": SampleShape((8,), 7), "cnn": SampleShape((32, 32, COLOURS), 10)}
MAX_CONVOLUTIONS = 2
_IMAGE_AXES = 3


@dataclass(frozen=True)
class Convolution:
    """5x5 kernels, stride 1, no padding, then ReLU and 2x2 max-pooling. Shapes are (height, width, channels)."""

    input_shape: tuple[int, int, int]
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
    def kernel_shape(self) -> tuple[int, ...]:
        return (KERNEL, KERNEL, self.input_shape[2], self.filters)

    @property
    def bias_shape(self) -> tuple[int, ...]:
        return (self.filters,)

    @property
    def input_length(self) -> int:
        return prod(self.input_shape)

    @property
    def multiply_adds(self) -> int:
        return prod(self.convolved_shape) * KERNEL * KERNEL * self.input_shape[2]


@dataclass(frozen=True)
class Dense:
    """inputs -> units, then ReLU; the last layer of a network has softmax instead (`relu` is false)."""

    inputs: int
    units: int
    relu: bool = True

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        return (self.inputs, self.units)

    @property
    def bias_shape(self) -> tuple[int, ...]:
        return (self.units,)

    @property
    def input_length(self) -> int:
        return self.inputs

    @property
    def multiply_adds(self) -> int:
        return self.inputs * self.units


Layer = Convolution | Dense


def trains_on(network_type: NetworkType, shape: tuple[int, ...]) -> bool:
    """An MLP takes any samples, images as rows of pixels; a CNN images alone."""
    return network_type == "mlp" or len(shape) == _IMAGE_AXES


def input_shape(network: Network, sample: SampleShape | None = None) -> tuple[int, ...]:
    """(features,) of an MLP, (height, width, channels) of a CNN. `sample` is the data set's; the study's if None."""
    shape = (sample or _STUDY[network.type]).shape
    return (prod(shape),) if network.type == "mlp" else shape


def classes(network: Network, sample: SampleShape | None = None) -> int:
    return (sample or _STUDY[network.type]).classes


def layers(network: Network, sample: SampleShape | None = None) -> tuple[Layer, ...]:
    """The layers, first to last; between the last convolution and the first dense layer the images are flattened.

    A CNN of width w has 3 w feature maps in each convolution, w for each colour of the study's images: as many on grey
    images, so that one name means one network whatever it trains on.
    """
    outputs = classes(network, sample)
    if network.type == "mlp":
        return _dense_layers(input_shape(network, sample)[0], [network.width] * network.hidden_layers, outputs)
    if network.hidden_layers > MAX_CONVOLUTIONS:
        raise ValueError(f"A CNN has 1 to {MAX_CONVOLUTIONS} convolutional layers, not {network.hidden_layers}.")
    convolutions: list[Layer] = []
    height, width, channels = input_shape(network, sample)
    shape = (height, width, channels)
    for _ in range(network.hidden_layers):
        convolution = Convolution(shape, COLOURS * network.width)
        convolutions.append(convolution)
        shape = convolution.output_shape
    return (*convolutions, *_dense_layers(prod(shape), [*DENSE_AFTER_CONVOLUTIONS], outputs))


def _dense_layers(inputs: int, widths: list[int], outputs: int) -> tuple[Layer, ...]:
    sizes = [inputs, *widths]
    hidden = [Dense(before, after) for before, after in pairwise(sizes)]
    return (*hidden, Dense(sizes[-1], outputs, relu=False))


def parameter_shapes(network: Network, sample: SampleShape | None = None) -> list[tuple[int, ...]]:
    """Kernel, bias, kernel, bias …: the order and layout in which weights travel."""
    return [shape for layer in layers(network, sample) for shape in (layer.kernel_shape, layer.bias_shape)]


def parameters(network: Network, sample: SampleShape | None = None) -> int:
    return sum(prod(shape) for shape in parameter_shapes(network, sample))


def flops_per_sample(network: Network, sample: SampleShape | None = None) -> int:
    """Floating-point operations of the matrix products that train on one sample.

    Two per multiply-add, once forward, once for the weights' gradient and once for the inputs' gradient, which the
    first layer does not need. Biases, activations and pooling are left out, as is usual (Kaplan et al. 2020, 2.1).
    """
    first, *rest = (layer.multiply_adds for layer in layers(network, sample))
    return 2 * (2 * first + 3 * sum(rest))


def steps_per_epoch(samples: int, batch_size: int) -> int:
    """A short last batch is dropped."""
    return samples // batch_size


def flops_per_epoch(network: Network, *, samples: int, batch_size: int, sample: SampleShape | None = None) -> int:
    return flops_per_sample(network, sample) * steps_per_epoch(samples, batch_size) * batch_size


def initial_weights(network: Network, seed: int, dtype: str = "float32", sample: SampleShape | None = None) -> Weights:
    """Normal(0, sqrt(2 / n)) kernels, n the length of the layer's input, and zero biases (He et al. 2015; the study).

    For a convolution the study takes n = height x width x channels of the layer's input, not of its kernel.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    weights: Weights = []
    for layer in layers(network, sample):
        kernel = generator.normal(0.0, sqrt(2 / layer.input_length), layer.kernel_shape)
        weights += [kernel.astype(dtype), np.zeros(layer.bias_shape, dtype)]
    return weights
