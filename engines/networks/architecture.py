"""What every architecture says of itself: its layers, its data, and how it is named, drawn and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from engines.contract import Network, NetworkType, Option
from engines.networks.kinds import Layer

Takes = Literal["features", "images", "sequences", "tokens"]
"""(features,), images as they are, (steps, features), or (steps,) whole numbers. Images are rows of pixels to the
first, and rows one after the other to sequences."""

LayersOf = Callable[[Network, tuple[int, ...], int], tuple[Layer, ...]]
"""From a network, the shape of a sample and the number of classes to the layers, first to last."""


@dataclass(frozen=True)
class Architecture:
    """A module of `engines/networks/` that has an `ARCHITECTURE` is one. Words are English; see `runs/words/`."""

    type: NetworkType
    title: str
    plural: str
    dataset: str
    """What it trains on where nobody says otherwise."""
    layers: LayersOf
    takes: Takes
    most_layers: int | None
    """The largest number of hidden layers that it can have; None for any."""
    shallow: int
    """Up to so many hidden layers, markers are small and hollow."""
    drawn: tuple[int, ...]
    """The numbers of hidden layers that the study's figures show."""
    depth: tuple[str, str]
    """What its hidden layers are called: one, and several."""
    width: str
    """What its width counts."""
    gate: tuple[Network, ...]
    """The networks that the equivalence gate trains, the smallest first."""
    gate_batch_size: int
    """Never the number of classes: a mean over those instead of the samples would not show."""
    options: Mapping[str, int] = field(default_factory=dict)
    """What its networks have beside depth and width, by name in alphabetical order, with their defaults."""
    is_studied: bool = False
    """One of the study's: it is shown where nothing was measured, too."""
    ties: bool = False
    """It pools, so that the gate asks what becomes of equal maxima."""
    place: int = 100
    """Where it stands among the others: in the study's order, then by name."""

    @property
    def takes_images(self) -> bool:
        return self.takes == "images"


def option(network: Network, defaults: Mapping[str, int], name: str) -> int:
    """The network's own, or its family's default."""
    return next((each.value for each in network.options if each.name == name), defaults[name])


def options_in(text: str) -> tuple[Option, ...]:
    """The options that a network's name ends in: `context 128 heads 2`. Raises ValueError for another text."""
    words = text.split()
    if len(words) % 2:
        raise ValueError(f"{text!r} is no list of names and numbers.")
    return tuple(Option(name, int(value)) for name, value in zip(words[::2], words[1::2], strict=True))
