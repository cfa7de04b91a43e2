"""Decoder-only transformers over characters: Vaswani et al. 2017, with norms first as in Radford et al. 2019."""

from __future__ import annotations

from engines.contract import Network, Option
from engines.networks.architecture import Architecture, option
from engines.networks.kinds import (
    CausalAttention,
    Embedding,
    Gelu,
    Layer,
    LayerNormalisation,
    PositionDense,
    Residual,
)

MLP_WIDTHS = 4
OPTIONS = {"context": 64, "heads": 4}


def _layers(network: Network, shape: tuple[int, ...], classes: int) -> tuple[Layer, ...]:
    """Blocks of attention and a GELU MLP, each behind a norm and around it a way; a last norm and an untied head."""
    heads = option(network, OPTIONS, "heads")
    if network.width % heads:
        raise ValueError(f"A transformer's width is a multiple of its {heads} heads, which {network.width} is not.")
    made: list[Layer] = [Embedding(shape, classes, network.width)]
    inside = made[-1].output_shape
    for _ in range(network.hidden_layers):
        made.append(Residual(inside, (LayerNormalisation(inside), CausalAttention(inside, heads))))
        made.append(Residual(inside, (LayerNormalisation(inside), *_mlp(inside))))
    return (*made, LayerNormalisation(inside), PositionDense(inside, classes))


def _mlp(shape: tuple[int, ...]) -> tuple[Layer, ...]:
    wide = PositionDense(shape, MLP_WIDTHS * shape[-1])
    return wide, Gelu(wide.output_shape), PositionDense(wide.output_shape, shape[-1])


ARCHITECTURE = Architecture(
    type="transformer",
    title="Transformer",
    plural="Transformers",
    dataset="shakespeare",
    layers=_layers,
    takes="tokens",
    options=OPTIONS,
    most_layers=None,
    shallow=2,
    drawn=(2, 4),
    depth=("block", "blocks"),
    width="features per position",
    gate=(Network("transformer", 2, 8, (Option("context", 6), Option("heads", 2))),),
    gate_batch_size=16,
    place=6,
)
