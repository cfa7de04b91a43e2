"""Cells in both tracks, and when what takes longer to start pays off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from runs.findings.alike import alike, held
from runs.findings.cells import CellRow
from runs.words import numbers
from runs.words.engines import engine_place


@dataclass(frozen=True)
class Payoff:
    """Seconds before the first epoch and seconds per epoch, of one way and of another that is to pay off."""

    start: float
    other_start: float
    epoch: float
    other_epoch: float

    @property
    def epochs(self) -> float | None:
        """How many until the other is ahead; 0 is at once, None is never."""
        if self.other_start <= self.start:
            return 0.0 if self.other_epoch <= self.epoch else None
        gain = self.epoch - self.other_epoch
        return (self.other_start - self.start) / gain if gain > 0 else None

    @property
    def words(self) -> str:
        epochs = self.epochs
        if epochs is None:
            return _("never")
        if epochs == 0:
            return _("at once")
        return ngettext("{n} epoch", "{n} epochs", ceil(epochs)).format(n=numbers.count(ceil(epochs)))


Pair = tuple[CellRow, CellRow]
"""The same cell in its idiomatic and in its tuned track."""


def pairs(rows: Iterable[CellRow]) -> list[Pair]:
    """Cells of one engine that differ in nothing but the track, and have times in both."""
    groups = alike([row for row in rows if row.estimate], but="track")
    both = [{row.track: row for row in group} for group in groups if len(group) > 1]
    found = [(tracks["idiomatic"], tracks["tuned"]) for tracks in both]
    return sorted(found, key=lambda pair: (*_order(pair[0]), *engine_place(pair[0].engine)))


def in_any_track(rows: Iterable[CellRow], shown: Iterable[CellRow]) -> list[CellRow]:
    """Of `rows` those that differ from a shown one in the track at most: filters mostly leave one track."""
    wanted = {held(row, but="track") for row in shown}
    return [row for row in rows if held(row, but="track") in wanted]


def _order(row: CellRow) -> tuple[str, str, int, int, str]:
    return row.network_type, row.device, row.hidden_layers, row.width, row.training
