"""GPU/CPU speed-ups: pairs of cells that differ in nothing but the device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Protocol

from django.utils.translation import gettext as _

from runs.findings.alike import Place, alike, not_compared_words, place
from runs.findings.cells import CellRow
from runs.findings.facets import FACETS_BY_NAME, FacetState, pick
from runs.stats import Ratio, speed_up
from runs.words.engines import engine_place

RowKey = tuple[str, int]
"""Engine and hidden layers."""
Key = tuple[str, int, int]
"""Engine, hidden layers and width."""


class PublishedValue(Protocol):
    """A row of PublishedSpeedUp."""

    engine: str
    hidden_layers: int
    width: int
    speed_up: float


@dataclass(frozen=True)
class Hosts:
    """The machines that the times of both devices come from: one, or two as the study had it."""

    cpu: str
    gpu: str

    @property
    def are_two(self) -> bool:
        return self.cpu != self.gpu

    def __str__(self) -> str:
        return f"CPU: {self.cpu} · GPU: {self.gpu}" if self.are_two else self.cpu


@dataclass(frozen=True)
class Measured:
    """Time on one CPU thread over time on the GPU, of two cells that differ in nothing else."""

    ratio: Ratio
    before: CellRow
    after: CellRow

    @property
    def key(self) -> Key:
        return self.after.engine, self.after.hidden_layers, self.after.width

    @property
    def hosts(self) -> Hosts:
        return Hosts(self.before.machine, self.after.machine)

    @cached_property
    def conditions(self) -> str:
        """What both sides share beside engine and network, in words."""
        track = _("{track} track").format(track=_(self.after.track))
        return f"{self.after.data_label} · {self.after.training} · {track} · {self.after.release}"


@dataclass(frozen=True)
class SpeedUps:
    """Of one network type: every pair, the ones chosen for the study's form, and what could not be compared."""

    network_type: str
    pairs: Sequence[Measured] = ()
    facets: Sequence[FacetState] = ()
    differing: Sequence[str] = ()
    """Sentences: both devices have a time, and differ in more than the device."""

    @cached_property
    def chosen(self) -> dict[Key, Measured]:
        """One for each cell of the study's form: of the data set, batch and track that are picked."""
        picked = {facet.name: {choice.value for choice in facet.choices if choice.selected} for facet in self.facets}
        fitting = (
            each
            for each in self.pairs
            if all(FACETS_BY_NAME[name].value(each.after) in values for name, values in picked.items())
        )
        return {each.key: each for each in sorted(fitting, key=lambda each: each.after.newest_run_at)}

    @property
    def conditions(self) -> str:
        """What the chosen ones hold equal; empty without any."""
        labels = [", ".join(facet.selected_labels) for facet in self.facets]
        return " · ".join(labels) if self.chosen else ""


CHOICES = tuple(replace(FACETS_BY_NAME[name], multiple=False) for name in ("data", "batch", "track"))


def measured_speed_ups(
    rows: Iterable[CellRow], network_type: str, wished: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> SpeedUps:
    """For cells with a time on one CPU thread and on one GPU that differ in nothing but the device.

    `rows` are one machine's, or the CPU cells of one and the GPU cells of another: the machine may differ, too.
    """
    own = [row for row in rows if row.network_type == network_type and row.estimate and row.processors == 1]
    pairs = [pair for group in alike(own, but=("device", "machine")) if (pair := _pair(group))]
    return SpeedUps(
        network_type,
        sorted(pairs, key=lambda each: (*engine_place(each.key[0]), *each.key[1:], each.conditions)),
        pick([each.after for each in pairs], wished, CHOICES).facets if pairs else (),
        _differing(own, {place(row) for each in pairs for row in (each.before, each.after)}),
    )


def _pair(rows: Sequence[CellRow]) -> Measured | None:
    """Of each device the newest, where an engine has several environments of one release."""
    newest = {row.device: row for row in sorted(rows, key=lambda row: row.newest_run_at)}
    if len(newest) < 2:
        return None
    return Measured(speed_up(newest["cpu"].samples, newest["gpu"].samples), newest["cpu"], newest["gpu"])


def _differing(rows: Sequence[CellRow], compared: set[Place]) -> list[str]:
    """Where an engine has no speed-up of a network at all, though both devices have a time."""
    found = []
    for group in alike(rows, but=("device", "machine", "environment", "code")):
        newest = {row.device: row for row in sorted(group, key=lambda row: row.newest_run_at)}
        if len(newest) == 2 and not any(place(row) in compared for row in group):
            found.append(not_compared_words(newest["cpu"], newest["gpu"], but=("device", "machine")))
    return found
