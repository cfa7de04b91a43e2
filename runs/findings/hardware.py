"""Which hardware for which network: machines side by side, each with its fastest engine there. Pure; no ORM.

A place is a machine, a device and a thread count. Places are compared by the engines that all of them have, in the same
release and code, else a newer framework would be taken for a faster machine. Two places share no block: what is
compared are two sets of runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from runs.findings.alike import Aspect, alike, newest_of_each
from runs.findings.cells import CellRow
from runs.findings.facets import FACETS_BY_NAME, ONE_NETWORK, Picked, pick
from runs.findings.lines import RIVALS, Rival, rival, rival_words
from runs.stats import EQUIVALENCE, Ratio, judge, ratio, ratio_to_itself
from runs.words.cells import on_words
from runs.words.engines import engine_place
from runs.words.releases import release_key

PLACE: tuple[Aspect, ...] = ("machine", "device", "threads")
CHOICES = (ONE_NETWORK, *(replace(FACETS_BY_NAME[name], multiple=False) for name in ("data", "batch")))
"""What one answer holds equal; places are what it compares."""


class Where(NamedTuple):
    machine_id: int
    machine: str
    device: str
    threads: int

    @property
    def words(self) -> str:
        """`lab1 · CPU, 4 threads`."""
        return f"{self.machine} · {on_words(self.device, self.threads, counts_one=self.device == 'cpu')}"


def where(row: CellRow) -> Where:
    return Where(row.machine_id, row.machine, row.device, row.threads)


@dataclass(frozen=True)
class Standing:
    """A place by its fastest engine, against the fastest of all places."""

    row: CellRow
    ratio: Ratio
    verdict: str
    """`best`, or as elsewhere."""

    @property
    def where(self) -> Where:
        return where(self.row)


@dataclass(frozen=True)
class Best:
    """One network: its fastest place, and the fastest of another machine."""

    first: Standing
    other: Standing


@dataclass(frozen=True)
class Hardware:
    """`cells` are all of an experiment that train, on every machine. `prices` are those of an hour, by machine."""

    cells: Sequence[CellRow]
    wished: Mapping[str, Sequence[str]]
    rope: float = EQUIVALENCE
    prices: Mapping[int, float] | None = None

    @cached_property
    def _timed(self) -> list[CellRow]:
        return [row for row in self.cells if row.estimate]

    @cached_property
    def picked(self) -> Picked:
        """Of the networks that were timed in two places at least, with all that one answer holds equal."""
        several = [row for group in _groups(self._timed) if len({where(row) for row in group}) > 1 for row in group]
        return pick(several, self.wished, CHOICES)

    @cached_property
    def _cells(self) -> list[CellRow]:
        """One network's, with one optimizer: that of most cells, where it was trained with several."""
        return max(_groups(self.picked.rows), key=len, default=[])

    @cached_property
    def common(self) -> list[CellRow]:
        """Those of the engines and tracks that every place has in one release and code: the newest such."""
        return _common(self._cells)

    @cached_property
    def rows(self) -> list[CellRow]:
        """What is drawn: what all places have in common, and what else some of them have, in its newest release."""
        compared = {rival(row) for row in self.common}
        return [*self.common, *(row for row in newest_of_each(self._cells) if rival(row) not in compared)]

    @property
    def engines(self) -> list[str]:
        """By which places are compared, in words."""
        ordered = sorted(self.common, key=lambda row: (engine_place(row.engine), row.track))
        return list(dict.fromkeys(rival_words(row) for row in ordered))

    @cached_property
    def standings(self) -> list[Standing]:
        """A place each, the fastest first; none where no engine was timed in every one."""
        return _standings(self.common, self.rope)

    @cached_property
    def places(self) -> dict[Where, int]:
        """In the order of what they are compared by, else of their fastest times; counted from 1."""
        ordered = [each.where for each in self.standings] or [where(row) for row in sorted(self.rows, key=_seconds)]
        return {place: at for at, place in enumerate(dict.fromkeys(ordered), start=1)}

    @cached_property
    def by_engine(self) -> dict[Rival, list[CellRow]]:
        """Each engine and track over the places."""
        found: dict[Rival, list[CellRow]] = {}
        for row in sorted(self.rows, key=lambda row: (*engine_place(row.engine), row.track, self.places[where(row)])):
            found.setdefault(rival(row), []).append(row)
        return found

    @cached_property
    def bests(self) -> list[Best]:
        """Of every network on two machines at least, the smallest first."""
        found = []
        for group in _groups(self._timed):
            if len({row.machine_id for row in group}) > 1:
                places = _fastest(_common(group))
                other = next((row for row in places if row.machine_id != places[0].machine_id), None)
                if other:
                    found.append(Best(*(_standing(places[0], row, self.rope) for row in (places[0], other))))
        return sorted(found, key=lambda best: (best.first.row.network_type, best.first.row.flops))

    def cost(self, row: CellRow, epochs: int) -> float | None:
        """Of so many epochs, in the currency of the machine; None where nobody said what it costs."""
        price = (self.prices or {}).get(row.machine_id)
        return price * row.estimate.seconds * epochs / 3600 if price is not None and row.estimate else None


def _groups(rows: Sequence[CellRow]) -> list[list[CellRow]]:
    return alike(rows, but=(*PLACE, *RIVALS))


def _common(rows: Sequence[CellRow]) -> list[CellRow]:
    places = {where(row) for row in rows}
    found: dict[tuple[str, str], list[CellRow]] = {}
    for group in alike(rows, but=PLACE):  # holds the release and the code
        own = newest_of_each(group)
        if {where(row) for row in own} == places:
            known = found.get(rival(own[0]))
            if known is None or release_key(own[0].release) > release_key(known[0].release):
                found[rival(own[0])] = own
    return [row for own in found.values() for row in own]


def _standings(rows: Sequence[CellRow], rope: float) -> list[Standing]:
    places = _fastest(rows)
    return [_standing(places[0], row, rope) for row in places]


def _fastest(rows: Sequence[CellRow]) -> list[CellRow]:
    """The fastest cell of each place, the fastest place first."""
    found: dict[Where, CellRow] = {}
    for row in sorted(rows, key=_seconds):
        found.setdefault(where(row), row)
    return list(found.values())


def _standing(first: CellRow, row: CellRow, rope: float) -> Standing:
    """Unpaired: block 3 of one machine has nothing to do with block 3 of another."""
    if row is first:
        verdict = judge(row.samples, row.samples, rope=rope)
        return Standing(row, ratio_to_itself(row.samples), "best" if verdict == "tie" else verdict)
    sides = first.samples.unpaired, row.samples.unpaired
    return Standing(row, ratio(*sides), judge(*sides, rope=rope))


def _seconds(row: CellRow) -> float:
    return row.estimate.seconds if row.estimate else 0.0
