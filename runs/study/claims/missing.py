"""Which cells a claim lacks, in words: one entry for each cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engines.contract import Network
from runs.stats import MIN_RUNS, LogSamples
from runs.stats.outcomes import Missing, MissingStatus
from runs.study.claims.measured import Measured, Place, engine_title

_NAMED = 6


@dataclass(frozen=True)
class MissingCells:
    """Cells of one engine that are missing for one cause. Status `finished`: some runs did, but too few."""

    engine: str
    where: str
    status: MissingStatus
    reason: str
    networks: tuple[Network, ...]

    def __str__(self) -> str:
        more = f" and {len(self.networks) - _NAMED} more" if len(self.networks) > _NAMED else ""
        networks = ", ".join(map(str, self.networks[:_NAMED])) + more
        return f"{engine_title(self.engine)}, {self.where}: {self.reason} ({networks})"


def gathered(measured: Measured, places: Iterable[Place]) -> tuple[MissingCells, ...]:
    """The places without three runs, in the order asked."""
    groups: dict[tuple[str, str, MissingStatus, str], list[Network]] = {}
    for place in dict.fromkeys(places):
        lack = _lack(measured.outcome(place))
        if lack:
            groups.setdefault((place.engine, place.where, lack.status, lack.reason), []).append(place.network)
    return tuple(MissingCells(*key, tuple(networks)) for key, networks in groups.items())


def _lack(outcome: LogSamples | Missing) -> Missing | None:
    if isinstance(outcome, Missing):
        return Missing(outcome.status, outcome.reason or outcome.status.replace("_", " "))
    if len(outcome) < MIN_RUNS:
        return Missing("finished", f"{len(outcome)} of {MIN_RUNS} runs")
    return None
