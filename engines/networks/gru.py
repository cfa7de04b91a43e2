"""GRU networks over sequences (Cho et al. 2014); an image is read row by row."""

from __future__ import annotations

from engines.contract import Network
from engines.networks.architecture import Architecture
from engines.networks.kinds import Gru
from engines.networks.recurrent import MOST_LAYERS, layers_of

ARCHITECTURE = Architecture(
    type="gru",
    title="GRU",
    plural="GRUs",
    dataset="fashion-mnist",
    layers=layers_of(Gru),
    takes="sequences",
    most_layers=MOST_LAYERS,
    shallow=1,
    drawn=(1, 2),
    depth=("layer", "layers"),
    width="units per layer",
    gate=(Network("gru", 1, 8), Network("gru", 2, 12)),
    gate_batch_size=16,
    place=5,
)
