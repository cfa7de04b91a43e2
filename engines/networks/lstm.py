"""LSTM networks over sequences (Hochreiter & Schmidhuber 1997); an image is read row by row."""

from __future__ import annotations

from engines.contract import Network
from engines.networks.architecture import Architecture
from engines.networks.kinds import Lstm
from engines.networks.recurrent import MOST_LAYERS, layers_of

ARCHITECTURE = Architecture(
    type="lstm",
    title="LSTM",
    plural="LSTMs",
    dataset="fashion-mnist",
    layers=layers_of(Lstm),
    takes="sequences",
    most_layers=MOST_LAYERS,
    shallow=1,
    drawn=(1, 2),
    depth=("layer", "layers"),
    width="units per layer",
    gate=(Network("lstm", 1, 8), Network("lstm", 2, 12)),
    gate_batch_size=16,
    place=4,
)
