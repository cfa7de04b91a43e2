"""What `lstm` and `gru` share: recurrent layers over a sequence, the last state into a dense layer."""

from __future__ import annotations

from engines.contract import Network
from engines.networks.architecture import LayersOf
from engines.networks.kinds import Dense, Gru, Layer, Lstm

MOST_LAYERS = 2


def layers_of(kind: type[Lstm] | type[Gru]) -> LayersOf:
    def layers(network: Network, shape: tuple[int, ...], classes: int) -> tuple[Layer, ...]:
        made: list[Layer] = []
        for number in range(1, network.hidden_layers + 1):
            made.append(kind(shape, network.width, returns_sequence=number < network.hidden_layers))
            shape = made[-1].output_shape
        return (*made, Dense(shape, classes, relu=False))

    return layers
