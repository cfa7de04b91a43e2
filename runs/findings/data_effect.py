"""What the data set changes: one network's cells on several, per sample and per FLOP, and whether the choice of an
engine depends on it. Pure; no ORM."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import permutations

from django.utils.translation import gettext as _

from engines.networks import of_type
from runs.findings.alike import alike, newest_of_each
from runs.findings.cells import CellRow
from runs.findings.facets import FACETS_BY_NAME, ONE_NETWORK, Picked, pick
from runs.findings.leaders import UNTOLD, leaders
from runs.findings.lines import RIVALS, Lines, Rival, lines_along, rival, rival_words
from runs.findings.standings import Standing, standings
from runs.stats import EQUIVALENCE, Estimate, Ratio, ratio

CHOICES = (
    ONE_NETWORK,
    *(replace(FACETS_BY_NAME[name], multiple=False) for name in ("batch", "device", "threads", "track")),
)
"""What one answer holds equal; the data sets are what it compares."""


@dataclass(frozen=True)
class OnData:
    """One engine on one data set, beside itself on the reference data."""

    row: CellRow
    reference: CellRow | None
    """The same engine's cell on the reference data; None where it has none that differs in nothing else."""

    @property
    def per_sample(self) -> Estimate | None:
        """Seconds."""
        return _divided(self.row.estimate, self.row.train_samples)

    @property
    def per_flop(self) -> Estimate | None:
        """Seconds."""
        return _divided(self.row.estimate, self.row.flops)

    @property
    def sample_ratio(self) -> Ratio | None:
        """Time per sample over that on the reference data."""
        return self._ratio(lambda row: row.train_samples)

    @property
    def flop_ratio(self) -> Ratio | None:
        return self._ratio(lambda row: row.flops)

    def _ratio(self, amount: Callable[[CellRow], int]) -> Ratio | None:
        if self.reference is None or self.reference is self.row:
            return None
        found = ratio(self.reference.samples, self.row.samples)
        factor = amount(self.reference) / amount(self.row)
        low, high = (None if bound is None else bound * factor for bound in (found.low, found.high))
        return replace(found, value=found.value * factor, low=low, high=high)


def _divided(found: Estimate | None, amount: int) -> Estimate | None:
    if found is None:
        return None
    low, high = (None if bound is None else bound / amount for bound in (found.low, found.high))
    return replace(found, seconds=found.seconds / amount, low=low, high=high)


def flops_per_sample(row: CellRow) -> float:
    """Of an epoch's, which are what is counted."""
    return row.flops / row.train_samples


@dataclass(frozen=True)
class DataEffect:
    """One network on several data sets. `cells` are all that train."""

    cells: Sequence[CellRow]
    wished: Mapping[str, Sequence[str]]
    rope: float = EQUIVALENCE

    @cached_property
    def picked(self) -> Picked:
        """Of the networks that were timed on several data sets, with all that one answer holds equal."""
        timed = [row for row in newest_of_each(self.cells) if row.estimate]
        several = [
            row
            for group in alike(timed, but=("data", "engine", "track"))
            if len({row.data_key for row in group}) > 1
            for row in group
        ]
        return pick(several, self.wished, CHOICES)

    @cached_property
    def _lines(self) -> Lines:
        return lines_along("data", self.picked.rows, order=lambda row: (flops_per_sample(row), row.data_key))

    @property
    def not_compared(self) -> Sequence[str]:
        return self._lines.not_compared

    @cached_property
    def _rows(self) -> list[CellRow]:
        return [row for line in self._lines.kept for row in line]

    @cached_property
    def data(self) -> dict[str, CellRow]:
        """A cell of each data set, by its key: the one with the fewest FLOPs a sample first."""
        found = {row.data_key: row for row in self._rows}
        return dict(sorted(found.items(), key=lambda item: (flops_per_sample(item[1]), item[0])))

    @cached_property
    def reference(self) -> str:
        """The family's default data where it was measured, else what most engines have."""
        usual = [key for key, row in self.data.items() if row.dataset == of_type(row.network_type).dataset]
        counts = {key: sum(1 for row in self._rows if row.data_key == key) for key in self.data}
        return max(usual or counts, key=lambda key: counts[key], default="")

    @cached_property
    def lines(self) -> list[list[OnData]]:
        """One for each engine and track."""
        found = []
        for line in self._lines.kept:
            reference = next((row for row in line if row.data_key == self.reference), None)
            found.append([OnData(row, reference) for row in line])
        return found

    @cached_property
    def standings(self) -> dict[str, list[Standing]]:
        """By data set, the fastest engine first."""
        found: dict[str, list[Standing]] = {key: [] for key in self.data}
        for standing in standings(self._rows, but=RIVALS, rope=self.rope):
            found[standing.row.data_key].append(standing)
        return found

    # ------------------------------------------------------------ does the choice hang on the data?

    @cached_property
    def _everywhere(self) -> dict[str, list[Standing]]:
        """The standings of those engines alone that were timed on every data set."""
        counts: dict[Rival, int] = {}
        for row in self._rows:
            counts[rival(row)] = counts.get(rival(row), 0) + 1
        rows = [row for row in self._rows if counts[rival(row)] == len(self.data)]
        found: dict[str, list[Standing]] = {key: [] for key in self.data}
        for standing in standings(rows, but=RIVALS, rope=self.rope):
            found[standing.row.data_key].append(standing)
        return found

    @property
    def answer(self) -> str:
        """One sentence; it calls nothing that the verdicts do not."""
        groups = self._everywhere
        if len(groups) < 2 or any(len(group) < 2 for group in groups.values()):
            return _(
                "Too few engines were timed on each of these data sets to say whether the choice depends on the data."
            )
        common = set.intersection(*({rival(each.row) for each in leaders(group)} for group in groups.values()))
        if common:
            names = [rival_words(each.row) for each in next(iter(groups.values())) if rival(each.row) in common]
            words = _("The choice of an engine does not hang on the data: {engines} leads, or ties, on every one.")
            if any(each.verdict in UNTOLD for group in groups.values() for each in group):
                words = _(
                    "On every data set {engines} had the smallest time, or tied with it. Others are not told apart "
                    "from it everywhere: more runs may change who leads."
                )
            return words.format(engines=", ".join(names))
        return self._reversal or _("Whether the choice of an engine depends on the data is not clear yet: run more.")

    @property
    def _reversal(self) -> str:
        """Two engines of which each is slower than the other on one data set, in words; empty where there are none."""
        groups = self._everywhere
        for (here, group), (there, others) in permutations(groups.items(), 2):
            leader, better = group[0], others[0]
            if _is_slower(better.row, group) and _is_slower(leader.row, others):
                words = _(
                    "The choice of an engine depends on the data: {engine} leads on {data}, but is slower than "
                    "{better} on {other}."
                )
                return words.format(
                    engine=rival_words(leader.row),
                    data=self.data[here].data_label,
                    better=rival_words(better.row),
                    other=self.data[there].data_label,
                )
        return ""


def _is_slower(row: CellRow, group: Sequence[Standing]) -> bool:
    return any(rival(each.row) == rival(row) and each.verdict == "slower" for each in group)
