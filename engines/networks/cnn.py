"""The study's convolutional networks: one or two convolutions with pooling, then three dense layers, as in LeNet-5."""

from __future__ import annotations

from engines.contract import Network
from engines.networks.architecture import Architecture
from engines.networks.kinds import Convolution, Dense, Layer

COLOURS = 3
DENSE_AFTER_CONVOLUTIONS = (120, 84)
MAX_CONVOLUTIONS = 2


def _layers(network: Network, shape: tuple[int, ...], classes: int) -> tuple[Layer, ...]:
    """Of width w it has 3 w feature maps in each convolution, w for each colour of the study's images.

    It has as many on grey images, so that one name means one network whatever it trains on.
    """
    if network.hidden_layers > MAX_CONVOLUTIONS:
        raise ValueError(f"A CNN has 1 to {MAX_CONVOLUTIONS} convolutional layers, not {network.hidden_layers}.")
    made: list[Layer] = []
    for _ in range(network.hidden_layers):
        made.append(Convolution(shape, COLOURS * network.width))
        shape = made[-1].output_shape
    for units in DENSE_AFTER_CONVOLUTIONS:
        made.append(Dense(shape, units))
        shape = made[-1].output_shape
    return (*made, Dense(shape, classes, relu=False))


ARCHITECTURE = Architecture(
    type="cnn",
    title="CNN",
    plural="CNNs",
    dataset="cifar10",
    layers=_layers,
    takes="images",
    most_layers=MAX_CONVOLUTIONS,
    shallow=1,
    drawn=(1, 2),
    depth=("convolution", "convolutions"),
    width="feature maps per colour",
    gate=(Network("cnn", 1, 2), Network("cnn", 2, 8)),
    gate_batch_size=16,
    ties=True,
    is_studied=True,
    place=2,
)
