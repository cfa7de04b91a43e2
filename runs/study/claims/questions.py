"""What a judgement is: questions to measured cells, each one number and the region in which a claim puts it.

The number is a product of ratios of times, so that one rule answers every question.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from engines.contract import Device, Network, NetworkType
from runs.study.claims.measured import Place
from runs.study.claims.regions import Region

Quorum = Literal["all", "most", "any"]
"""How many of a judgement's questions must agree: "in most situations", "can be slower"."""


@dataclass(frozen=True)
class Pair:
    """The candidate's time over the baseline's."""

    baseline: Place
    candidate: Place


@dataclass(frozen=True)
class Question:
    """Does the geometric mean of the pairs' ratios, to the power of `exponent`, lie in the region?"""

    words: str
    pairs: tuple[Pair, ...]
    region: Region
    exponent: int = 1

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(dict.fromkeys(place for pair in self.pairs for place in (pair.baseline, pair.candidate)))


@dataclass(frozen=True)
class Grid:
    """Networks of one type on one device."""

    network_type: NetworkType
    device: Device
    layers: tuple[int, ...]
    widths: tuple[int, ...]

    @property
    def networks(self) -> tuple[Network, ...]:
        return tuple(Network(self.network_type, layers, width) for layers in self.layers for width in self.widths)

    def place(self, engine: str, network: Network, threads: int = 1) -> Place:
        return Place(engine, network, self.device, threads)

    def __str__(self) -> str:
        layers, widths = (", ".join(f"{value:,}" for value in values) for values in (self.layers, self.widths))
        return f"{self.network_type.upper()}s of {layers} layers, width {widths}"


@dataclass(frozen=True)
class Judgement(ABC):
    """One part of a claim. `measurable`: the share of its questions that must be measurable for a verdict."""

    on: Grid
    region: Region
    quorum: Quorum = "all"
    measurable: float = 0.5

    @property
    @abstractmethod
    def quantity(self) -> str:
        """What the ratios are of, in words."""

    @abstractmethod
    def questions(self) -> Iterator[Question]:
        """In the order in which evidence is shown."""

    @property
    def words(self) -> str:
        return f"{self.quantity}, {self.on}; {self.region}{QUORUM_WORDS[self.quorum]}"


QUORUM_WORDS = {"all": "", "most": ", in most", "any": ", in at least one"}
