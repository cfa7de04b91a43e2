"""How engines scale over replicas: cells that differ in how many train together, and in the batch that they share.

*Strong* scaling keeps the batch, of which each replica takes a part; *weak* scaling gives each replica a batch of its
own, so that what they share grows with them. Both are told by samples a second: an epoch of larger batches may drop
fewer samples. Pure; no ORM.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from runs.findings.alike import Aspect, Held, held, newest_of_each, not_compared_words
from runs.findings.cells import CellRow
from runs.findings.facets import FACETS_BY_NAME, Picked, network_slug, pick
from runs.stats import LogSamples, ScalingPoint, scaling
from runs.words.engines import engine_place, engine_title

Kind = Literal["strong", "weak"]
KINDS: Mapping[Kind, str] = {"strong": gettext_noop("the same batch"), "weak": gettext_noop("a batch for each")}
# What trains several replicas is part of an engine's code, so that code always differs over replicas.
_FREE: Mapping[Kind, tuple[Aspect, ...]] = {"strong": ("replicas", "code"), "weak": ("replicas", "batch", "code")}
CHOICES = tuple(FACETS_BY_NAME[name] for name in ("data", "batch", "device", "threads", "track"))


@dataclass(frozen=True)
class ReplicaLine:
    """One engine's cells by the number of replicas, one of them alone, and how they scale."""

    kind: Kind
    cells: Mapping[int, CellRow]

    @property
    def one(self) -> CellRow:
        """The replica that trains alone, which the others are held against."""
        return self.cells[1]

    @property
    def label(self) -> str:
        return engine_title(self.one.engine) + ("" if self.one.track == "idiomatic" else f" · {_(self.one.track)}")

    @cached_property
    def scaling(self) -> Mapping[int, ScalingPoint]:
        """Samples a second over those of one replica; efficiency is that by replica."""
        return {point.threads: point for point in scaling({n: _per_sample(row) for n, row in self.cells.items()})}


def _per_sample(row: CellRow) -> LogSamples:
    """Seconds for each sample that an epoch trains on: a short last batch is dropped."""
    trained = row.train_samples // row.batch_size * row.batch_size
    return LogSamples(tuple(value - log(trained) for value in row.samples.values))


def replica_lines(rows: Iterable[CellRow], kind: Kind) -> list[ReplicaLine]:
    """Those with a time for one replica and for several, of the newest environment and code, in the engines' order."""
    groups: dict[tuple[Held, float], dict[int, CellRow]] = {}
    for row in newest_of_each(row for row in rows if len(row.samples)):
        share = row.batch_size / row.replicas if kind == "weak" else row.batch_size
        groups.setdefault((held(row, but=_FREE[kind]), share), {})[row.replicas] = row
    found = [ReplicaLine(kind, dict(sorted(cells.items()))) for cells in groups.values() if 1 in cells]
    return sorted((line for line in found if len(line.cells) > 1), key=_order)


def _order(line: ReplicaLine) -> tuple[object, ...]:
    return (*engine_place(line.one.engine), line.one.track, str(line.one.network), line.one.batch_size)


@dataclass(frozen=True)
class Replication:
    """How the engines of one network scale, both ways. `wished` is what is asked of `network` and of CHOICES."""

    rows: Sequence[CellRow]
    wished: Mapping[str, Sequence[str]]

    @cached_property
    def _known(self) -> list[ReplicaLine]:
        return [line for kind in KINDS for line in replica_lines(self.rows, kind)]

    @cached_property
    def networks(self) -> dict[str, str]:
        """Address -> name, those with most cells first."""
        counts: dict[str, int] = {}
        names: dict[str, str] = {}
        for line in self._known:
            slug = network_slug(line.one.network)
            counts[slug] = counts.get(slug, 0) + len(line.cells)
            names[slug] = str(line.one.network)
        return {slug: names[slug] for slug in sorted(names, key=lambda slug: (-counts[slug], slug))}

    @property
    def network(self) -> str:
        """Its address; empty where nothing was measured."""
        asked = self.wished.get("network", ())
        return next((each for each in self.networks if each in asked), next(iter(self.networks), ""))

    @cached_property
    def picked(self) -> Picked:
        """The single replicas that the others are held against."""
        own = {id(line.one): line.one for line in self._known if network_slug(line.one.network) == self.network}
        return pick(own.values(), self.wished, CHOICES)

    @cached_property
    def lines(self) -> list[ReplicaLine]:
        kept = set(map(id, self.picked.rows))
        return [line for line in self._known if id(line.one) in kept]

    def of_kind(self, kind: Kind) -> list[ReplicaLine]:
        return [line for line in self.lines if line.kind == kind]

    @cached_property
    def differing(self) -> list[str]:
        """Sentences: which cells of several replicas stand in no line, and what they differ in from a single one."""
        told = {id(row) for line in self._known for row in line.cells.values()}
        newest = newest_of_each(row for row in self.rows if len(row.samples))
        found = []
        for row in newest:
            if row.replicas > 1 and id(row) not in told:
                alone = [each for each in newest if each.replicas == 1 and _is_rival(each, row)]
                found += [not_compared_words(each, row, but=_FREE["strong"]) for each in alone[:1]]
        return found


def _is_rival(alone: CellRow, row: CellRow) -> bool:
    """Whether a reader would look for these two side by side."""
    return (alone.engine, alone.track, alone.network, alone.device) == (row.engine, row.track, row.network, row.device)
