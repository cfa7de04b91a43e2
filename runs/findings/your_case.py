"""A network as a reader has it: wherever it was measured, and which engine to take there. Pure; no ORM.

A place is an experiment on a machine: there engines stood side by side. What was measured at two places is never mixed
into one answer; each place has its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import log
from typing import NamedTuple

from django.utils.translation import gettext as _

from engines.contract import Device, NetworkType
from engines.networks import ARCHITECTURES
from runs.findings.cells import CellRow
from runs.findings.facets import FACETS_BY_NAME, FacetState
from runs.findings.recommendation import Situation
from runs.findings.situations import CHOICES, Answer, Wishes, answer_to

CASE_CHOICES = (replace(FACETS_BY_NAME["options"], multiple=False), *CHOICES)
"""What an answer about one network holds equal, and a reader may choose."""
_MOST_NEAR = 6
LIMITS = {"layers": (1, 256), "width": (1, 65_536)}
"""Those of a record's networks."""


class Size(NamedTuple):
    network_type: NetworkType
    hidden_layers: int
    width: int

    def distance(self, other: Size) -> float:
        """How many times one is as deep, and as wide, as the other: the sum of both logarithms."""
        depth, width = self.hidden_layers / other.hidden_layers, self.width / other.width
        return abs(log(depth)) + abs(log(width))


@dataclass(frozen=True)
class Asked:
    """What a reader asks of. `size` is None where nothing was asked, or where `errors` says what is wrong."""

    size: Size | None
    device: Device
    errors: tuple[str, ...] = ()


def asked_case(query: Mapping[str, str]) -> Asked:
    """From `network`, `layers`, `width` and `device` of an address; what is left out or wrong is said."""
    device: Device = "gpu" if query.get("device") == "gpu" else "cpu"
    given = {name: query.get(name, "").strip() for name in ("network", "layers", "width")}
    if not any(given.values()):
        return Asked(None, device)
    family = next((each for each in ARCHITECTURES if each == given["network"]), None)
    layers, width = _within(given["layers"], LIMITS["layers"]), _within(given["width"], LIMITS["width"])
    if family and layers and width:
        return Asked(Size(family, layers, width), device)
    found = {"network": family, "layers": layers, "width": width}
    return Asked(None, device, tuple(_error(name, given[name]) for name, value in found.items() if not value))


def _within(text: str, limits: tuple[int, int]) -> int | None:
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    return value if limits[0] <= value <= limits[1] else None


def _error(name: str, given: str) -> str:
    if name == "network":
        known = ", ".join(str(each) for each in ARCHITECTURES)
        return _("The network is {given!r}: it must be one of {known}.").format(given=given, known=known)
    low, high = LIMITS[name]
    words = {
        "layers": _("The number of layers is {given!r}: it must be a whole number from {low} to {high}."),
        "width": _("The width is {given!r}: it must be a whole number from {low} to {high}."),
    }
    return words[name].format(given=given, low=low, high=high)


@dataclass(frozen=True)
class Place:
    """One experiment on one machine, and its answer."""

    experiment_id: int
    machine_id: int
    machine: str
    measured_at: datetime
    answer: Answer

    @property
    def timed(self) -> int:
        return sum(1 for row in self.answer.found.rows if row.ratio)


def places(rows: Sequence[CellRow], asked: Asked, ropes: Mapping[int, float], wished: Wishes) -> list[Place]:
    """Where the case was measured: first those that have what is wished, then those that timed most engines, then the
    newest.

    `rows` are of that network on that device. `ropes` are the tie bands, by machine.
    """
    if asked.size is None:
        return []
    by_place: dict[tuple[int, int], list[CellRow]] = {}
    for row in rows:
        by_place.setdefault((row.experiment_id, row.machine_id), []).append(row)
    newest = sorted(by_place.values(), key=_measured_at, reverse=True)
    situation = Situation(asked.size.network_type, asked.device)
    found = [_place(own, situation, ropes[own[0].machine_id], wished) for own in newest]
    return sorted(found, key=lambda place: (len(unheeded(place.answer, wished)), -place.timed))


def _place(rows: Sequence[CellRow], situation: Situation, rope: float, wished: Wishes) -> Place:
    answer = answer_to(situation, rows, rope=rope, wished=wished, choices=CASE_CHOICES)
    first = rows[0]
    return Place(first.experiment_id, first.machine_id, first.machine, _measured_at(rows), answer)


def _measured_at(rows: Sequence[CellRow]) -> datetime:
    return max(row.newest_run_at for row in rows)


def unheeded(answer: Answer, wished: Wishes) -> list[str]:
    """The titles of what was asked for and was not measured there, so that the answer holds something else."""
    given = {name: set(filter(None, values)) for name, values in wished.items()}
    return [facet.title for facet in answer.facets if given.get(facet.name) and not given[facet.name] & _held(facet)]


def _held(facet: FacetState) -> set[str]:
    return {choice.value for choice in facet.choices if choice.selected}


def nearest(asked: Size, measured: Sequence[Size]) -> list[Size]:
    """Of its family, the measured sizes nearest to the one that is asked, the nearest first."""
    family = [size for size in measured if size.network_type == asked.network_type and size != asked]
    return sorted(family, key=asked.distance)[:_MOST_NEAR]
