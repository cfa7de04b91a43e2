"""When what takes longer to start, and less per epoch, pays off. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from runs.words import numbers


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
