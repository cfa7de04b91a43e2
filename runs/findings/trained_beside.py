"""How a network trains that is asked: its engines' standings, beside those of their calls. Pure; no ORM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from runs.findings.alike import newest_of_each
from runs.findings.cells import CellRow
from runs.findings.facets import FACETS_BY_NAME, pick
from runs.findings.lines import RIVALS, Rival, rival
from runs.findings.standings import Standing, standings
from runs.stats import EQUIVALENCE

_HELD = tuple(replace(FACETS_BY_NAME[name], multiple=False) for name in ("data", "batch"))


@dataclass(frozen=True)
class Beside:
    standings: Sequence[Standing]
    conditions: str
    """The data and the training that all have in common."""

    @property
    def by_rival(self) -> Mapping[Rival, Standing]:
        return {rival(each.row): each for each in self.standings}


def beside(rows: Sequence[CellRow], *, rope: float = EQUIVALENCE) -> Beside:
    """Of cells of one network on one device: those of the data and training that most have, the newest of each."""
    picked = pick(newest_of_each(rows), {}, _HELD)
    return Beside(standings(picked.rows, but=RIVALS, rope=rope), picked.conditions)
