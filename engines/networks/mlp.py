"""The study's fully connected networks: equal hidden layers of ReLU units, softmax at the end."""

from __future__ import annotations

from itertools import pairwise

from engines.contract import Network
from engines.networks.architecture import Architecture
from engines.networks.kinds import Dense, Layer


def _layers(network: Network, shape: tuple[int, ...], classes: int) -> tuple[Layer, ...]:
    widths = [shape[0], *[network.width] * network.hidden_layers]
    hidden = [Dense((before,), after) for before, after in pairwise(widths)]
    return (*hidden, Dense((widths[-1],), classes, relu=False))


ARCHITECTURE = Architecture(
    type="mlp",
    title="MLP",
    plural="MLPs",
    dataset="shuttle",
    layers=_layers,
    takes="features",
    most_layers=None,
    shallow=8,
    drawn=(8, 16),
    depth=("layer", "layers"),
    width="neurons per hidden layer",
    gate=(Network("mlp", 2, 25), Network("mlp", 8, 100), Network("mlp", 16, 200)),
    gate_batch_size=100,
    is_studied=True,
    place=1,
)
