"""What the claims are judged on: the cells of one experiment on one machine, measured or missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from engines.contract import Device, Network
from engines.registry import ENGINES
from runs.stats import LogSamples
from runs.stats.outcomes import Missing, MissingStatus

CANNOT: frozenset[MissingStatus] = frozenset(
    {"unsupported", "out_of_memory", "timed_out", "crashed", "diverged", "not_equivalent"}
)
"""More runs will not help: the cell was tried, and could not give a time."""


@dataclass(frozen=True)
class Place:
    """A cell, as far as a claim names it. On the GPU `threads` is 1."""

    engine: str
    network: Network
    device: Device
    threads: int = 1

    @property
    def where(self) -> str:
        return where(self.device, self.threads)

    def __str__(self) -> str:
        return f"{engine_title(self.engine)}, {self.network}, {self.where}"


def where(device: Device, threads: int) -> str:
    return "GPU" if device == "gpu" else f"{threads} CPU thread{'s' if threads != 1 else ''}"


def engine_title(slug: str) -> str:
    return ENGINES[slug].title if slug in ENGINES else slug


@dataclass(frozen=True)
class Hardware:
    """What a machine can be asked for. None where it is not known."""

    gpus: int | None = None
    threads: int | None = None


@dataclass(frozen=True)
class Version:
    """The software of an engine on a device. Both devices are compared only where these are equal."""

    release: str
    engine_sha256: str

    def __str__(self) -> str:
        return f"{self.release} · {self.engine_sha256[:8]}"


@dataclass(frozen=True)
class Measured:
    """One machine's cells. A cell that is not in `cells` was not run, or cannot be: the machine or the engine says."""

    cells: Mapping[Place, LogSamples | Missing]
    hardware: Hardware = Hardware()
    data: tuple[str, ...] = ()
    """What the cells were trained on, in words."""
    versions: Mapping[tuple[str, Device], Version] = field(default_factory=dict)

    def __hash__(self) -> int:
        """By content, so that what was judged of the same cells can be kept."""
        return hash((frozenset(self.cells.items()), self.hardware, self.data, frozenset(self.versions.items())))

    def outcome(self, place: Place) -> LogSamples | Missing:
        found = self.cells.get(place)
        if found is not None:
            return found
        reason = self._why_impossible(place)
        return Missing("unsupported", reason) if reason else Missing("not_run")

    def difference(self, first: Place, second: Place) -> str:
        """What differs between an engine's cells on two devices beside the device; empty where nothing does."""
        if first.engine != second.engine or first.device == second.device:
            return ""
        before, after = (self.versions.get((place.engine, place.device)) for place in (first, second))
        if before is None or after is None or before == after:
            return ""
        return f"{engine_title(first.engine)}: {before} on the {first.where}, {after} on the {second.where}."

    def _why_impossible(self, place: Place) -> str:
        if place.device == "gpu" and self.hardware.gpus == 0:
            return "This machine has no GPU."
        if self.hardware.threads is not None and place.threads > self.hardware.threads:
            return f"This machine has only {self.hardware.threads} logical CPUs."
        return self._refused.get((place.engine, place.device), "")

    @cached_property
    def _refused(self) -> dict[tuple[str, Device], str]:
        """An engine that was refused on a device wherever it was asked for is refused for all its networks there."""
        by_engine: dict[tuple[str, Device], list[LogSamples | Missing]] = {}
        for place, outcome in self.cells.items():
            by_engine.setdefault((place.engine, place.device), []).append(outcome)
        return {
            key: _reasons(outcomes)[0]
            for key, outcomes in by_engine.items()
            if len(_reasons(outcomes)) == len(outcomes)
        }


def _reasons(outcomes: Sequence[LogSamples | Missing]) -> list[str]:
    """Why it is unsupported, for each that is."""
    return [
        outcome.reason or "It is unsupported."
        for outcome in outcomes
        if isinstance(outcome, Missing) and outcome.status == "unsupported"
    ]
