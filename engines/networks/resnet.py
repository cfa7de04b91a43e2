"""Residual networks for small images: He et al. 2015, section 4.2, with shortcuts of option A."""

from __future__ import annotations

from engines.contract import Network
from engines.networks.architecture import Architecture
from engines.networks.kinds import (
    BatchNormalisation,
    Dense,
    GlobalAverage,
    Layer,
    PaddedConvolution,
    Relu,
    Residual,
)

STAGES = 3


def _layers(network: Network, shape: tuple[int, ...], classes: int) -> tuple[Layer, ...]:
    """n blocks in each of three stages: 6 n + 2 layers with weights. Each stage after the first halves the image."""
    made = _normalised(shape, network.width, 1)
    made.append(Relu(made[-1].output_shape))
    for stage in range(STAGES):
        for block in range(network.hidden_layers):
            stride = 2 if stage and not block else 1
            body = _body(made[-1].output_shape, network.width * 2**stage, stride)
            made.append(Residual(made[-1].output_shape, body))
            made.append(Relu(made[-1].output_shape))
    made.append(GlobalAverage(made[-1].output_shape))
    return (*made, Dense(made[-1].output_shape, classes, relu=False))


def _body(shape: tuple[int, ...], filters: int, stride: int) -> tuple[Layer, ...]:
    first = _normalised(shape, filters, stride)
    first.append(Relu(first[-1].output_shape))
    return (*first, *_normalised(first[-1].output_shape, filters, 1))


def _normalised(shape: tuple[int, ...], filters: int, stride: int) -> list[Layer]:
    convolution = PaddedConvolution(shape, filters, stride=stride)
    return [convolution, BatchNormalisation(convolution.output_shape)]


ARCHITECTURE = Architecture(
    type="resnet",
    title="ResNet",
    plural="ResNets",
    dataset="cifar10",
    layers=_layers,
    takes="images",
    most_layers=18,
    shallow=1,
    drawn=(1, 3, 5, 9),
    depth=("block per stage", "blocks per stage"),
    width="feature maps in the first stage",
    gate=(Network("resnet", 1, 4),),
    gate_batch_size=8,
    place=3,
)
