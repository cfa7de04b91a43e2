"""What an experiment has of what it could have: every workload by every engine, and the holes. Pure; no ORM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from runs.findings.alike import newest_of_each
from runs.findings.cells import CellRow
from runs.findings.lines import Rival, rival
from runs.stats.outcomes import MissingStatus
from runs.words.engines import engine_place
from runs.words.networks import network_place


class Where(NamedTuple):
    """A workload on a device with a thread count."""

    workload_id: int
    device: str
    threads: int


@dataclass(frozen=True)
class CoverageMatrix:
    """`cells` are an experiment's on one machine, whatever came of them."""

    cells: Sequence[CellRow]

    @cached_property
    def columns(self) -> dict[Rival, CellRow]:
        """Each engine in each of its tracks, with a cell of it that names it."""
        found = {rival(row): row for row in self.cells}
        return dict(sorted(found.items(), key=lambda each: (*engine_place(each[1].engine), each[1].track)))

    @cached_property
    def rows(self) -> list[tuple[CellRow, Mapping[Rival, CellRow]]]:
        """A cell that names the row, and each engine's newest; the study's networks first, small before large."""
        found: dict[Where, dict[Rival, CellRow]] = {}
        for row in sorted(newest_of_each(self.cells), key=_place):
            found.setdefault(Where(row.workload_id, row.device, row.threads), {})[rival(row)] = row
        return [(next(iter(own.values())), own) for own in found.values()]

    @property
    def outcomes(self) -> Counter[MissingStatus]:
        """How many places of the matrix hold a time, and how many lack one, by why."""
        found: Counter[MissingStatus] = Counter(row.outcome for _first, own in self.rows for row in own.values())
        holes = len(self.rows) * len(self.columns) - sum(found.values())
        found["not_run"] += holes
        return +found


def _place(row: CellRow) -> tuple[object, ...]:
    network = (network_place(row.network_type), row.hidden_layers, row.width, row.options)
    return (*network, row.task, row.data_key, row.training_key, row.device, row.threads)
