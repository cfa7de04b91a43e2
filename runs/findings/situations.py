"""Which engine to use in each situation of the study's Table 5.1, from cells that are alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import get_args

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engines.contract import Device, NetworkType
from engines.networks import ARCHITECTURES, of_type
from runs.findings.alike import newest_of_each
from runs.findings.cells import CellRow, stalled_words
from runs.findings.facets import FACETS_BY_NAME, Facet, FacetState, pick
from runs.findings.recommendation import Case, ComparedWorkload, Recommendation, Situation, recommend
from runs.stats import EQUIVALENCE, LogSamples, within
from runs.stats.outcomes import Missing
from runs.words import numbers
from runs.words.cells import threads_words
from runs.words.engines import engine_title
from runs.words.networks import meaning, network_title
from runs.words.reasons import reason_in_words

SITUATIONS: tuple[tuple[NetworkType, Device], ...] = tuple(
    (network_type, device) for network_type in ARCHITECTURES for device in get_args(Device)
)
CHOICES = tuple(replace(FACETS_BY_NAME[name], multiple=False) for name in ("data", "batch", "threads", "track"))
"""What an answer holds equal, and a reader may choose: one value of each."""
Wishes = Mapping[str, Sequence[str]]
"""A choice's name -> the values asked for; of them, each situation takes the first that it has."""


@dataclass(frozen=True)
class Answer:
    """One situation: the study's engines (slugs), and the recommendation from the cells at hand."""

    found: Recommendation
    published: Sequence[str]
    facets: Sequence[FacetState] = ()
    """What was held equal, with all that there was to choose from; empty where nothing was run."""
    rope: float = EQUIVALENCE
    cells: Mapping[str, CellRow] = field(default_factory=dict)
    """Each engine's cell on the deciding workload."""

    @property
    def choices(self) -> list[FacetState]:
        return [facet for facet in self.facets if len(facet.choices) > 1]

    @property
    def conditions(self) -> str:
        """Data, batch, threads and track, in words; empty where nothing was run."""
        words = {facet.name: ", ".join(facet.selected_labels) for facet in self.facets}
        if not words:
            return ""
        threads = next(choice.value for choice in self._facet("threads").choices if choice.selected)
        track = _("{track} track").format(track=words["track"])
        return " · ".join([words["data"], words["batch"], f"{threads_words(int(threads))}, {track}"])

    def _facet(self, name: str) -> FacetState:
        return next(facet for facet in self.facets if facet.name == name)

    @property
    def situation(self) -> str:
        return _("{network} on the {device}").format(
            network=network_title(self.found.situation.network_type), device=self.found.situation.device.upper()
        )

    @property
    def slug(self) -> str:
        return self.found.situation.slug

    @property
    def headline(self) -> list[str]:
        """The engines to take, the preferred one first; empty where there is no answer."""
        if not self.found.preferred:
            return []
        others = [engine for engine in self.found.not_slower if engine != self.found.preferred]
        return [engine_title(engine) for engine in (self.found.preferred, *others)]

    @property
    def short_headline(self) -> list[str]:
        """The same in two names at most, for a card: without those of which nobody knows yet, see `doubt`."""
        settled = [title for title in self.headline if title not in self._in_doubt]
        if len(settled) < 3:
            return settled
        others = len(settled) - 1
        return [settled[0], ngettext("{n} other as fast", "{n} others as fast", others).format(n=numbers.count(others))]

    @property
    def _in_doubt(self) -> list[str]:
        """Neither slower than the fastest nor a tie."""
        return [
            engine_title(row.engine)
            for row in self.found.rows
            if row.ratio and row.verdict not in {"best", "tie", "slower"}
        ]

    @property
    def doubt(self) -> str:
        """How many the runs do not separate from the fastest; where there is no answer, which that was so far."""
        timed = [row for row in self.found.rows if row.ratio]
        if not timed:
            return ""
        if self.headline:
            open_ = len(self._in_doubt)
            words = ngettext(
                "{n} other is not separated from the fastest", "{n} others are not separated from the fastest", open_
            )
            return words.format(n=numbers.count(open_)) if open_ else ""
        fastest = _("{engine} fastest so far").format(engine=engine_title(timed[0].engine))
        open_ = sum(1 for row in timed[1:] if row.verdict != "slower")
        words = ngettext("{n} other is not separated from it", "{n} others are not separated from it", open_)
        return f"{fastest}, {words.format(n=numbers.count(open_))}" if open_ else fastest

    @property
    def was_tried(self) -> bool:
        return bool(self.found.rows)

    @property
    def has_times(self) -> bool:
        return any(row.ratio for row in self.found.rows)

    @property
    def basis(self) -> str:
        """The network, data and runs that the answer stands on."""
        workload = self.found.workload
        if workload is None:
            return ""
        runs = max((row.ratio.runs for row in self.found.rows if row.ratio), default=0)
        counted = ngettext("{n} run each", "{n} runs each", runs).format(n=numbers.count(runs))
        network = numbers.size(workload.network.hidden_layers, workload.network.width)
        return f"{network}, {self.conditions} · {counted}"

    @property
    def command(self) -> str:
        """What measures the situation where nothing was."""
        found = self.found.situation
        return f"python manage.py runbench --networks {found.network_type} --devices {found.device}"

    @property
    def size_words(self) -> str:
        """What the network's size means: `8 layers, 100 neurons per hidden layer`."""
        workload = self.found.workload
        return (
            meaning(workload.network.type, workload.network.hidden_layers, workload.network.width) if workload else ""
        )

    @property
    def verdict_notes(self) -> list[str]:
        """Where the interval beside a verdict is not what decided it: by what it was decided."""
        corrected = [engine_title(row.engine) for row in self.found.rows if row.is_corrected]
        ties = [row for row in self.found.rows if row.verdict == "tie" and not within(row.ratio, self.rope)]
        notes = []
        if corrected:
            compared = sum(1 for row in self.found.rows if row.ratio) - 1
            words = ngettext(
                "{engines}: slower if compared alone, but not after the correction for {n} comparison (Holm).",
                "{engines}: slower if compared alone, but not after the correction for {n} comparisons (Holm).",
                compared,
            )
            notes.append(words.format(engines=", ".join(corrected), n=numbers.count(compared)))
        if ties:
            engines = ", ".join(engine_title(row.engine) for row in ties)
            # xgettext:no-python-format
            words = _("{engines}: a tie, judged by the 90 % interval that is used for ties.")
            notes.append(words.format(engines=engines))
        return notes + self._stalls

    @property
    def _stalls(self) -> list[str]:
        """What stalled, and may be why the verdict is open."""
        told = ((engine, stalled_words(cell)) for engine, cell in self.cells.items())
        return [f"{engine_title(engine)}: {words}" for engine, words in told if words]

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """Each engine that has no time, and why."""
        return [
            (engine_title(row.engine), reason_in_words(row.missing.reason))
            for row in self.found.rows
            if row.missing and row.missing.reason
        ]

    @property
    def is_of_the_study(self) -> bool:
        """Of others the study said nothing."""
        return of_type(self.found.situation.network_type).is_studied

    @property
    def published_titles(self) -> list[str]:
        return [engine_title(slug) for slug in self.published]


def answers(
    cells: Sequence[CellRow],
    published: Mapping[tuple[str, str], Sequence[str]],
    *,
    rope: float = EQUIVALENCE,
    wished: Wishes = MappingProxyType({}),
) -> list[Answer]:
    """The situations of the study's Table 5.1, and others that were measured, over one experiment on one machine.

    Each is one answer for one data set by its content, batch size and optimizer, thread count and track: those
    wished, else those the one with most results.
    """
    return [
        answer_to(
            Situation(*situation),
            [cell for cell in cells if (cell.network_type, cell.device) == situation],
            published.get(situation, ()),
            rope=rope,
            wished=wished,
        )
        for situation in SITUATIONS
        if of_type(situation[0]).is_studied or any((cell.network_type, cell.device) == situation for cell in cells)
    ]


def answer_to(
    situation: Situation,
    cells: Sequence[CellRow],
    published: Sequence[str] = (),
    *,
    rope: float = EQUIVALENCE,
    wished: Wishes = MappingProxyType({}),
    choices: Sequence[Facet] = CHOICES,
) -> Answer:
    """From the situation's cells, those of one experiment on one machine."""
    picked = pick(cells, wished, choices)
    rows = newest_of_each(picked.rows)
    found = recommend(situation, _cases(rows), rope=rope)
    deciding = {row.engine: row for row in rows if found.workload and row.network == found.workload.network}
    return Answer(found, published, picked.facets if rows else (), rope, deciding)


def _cases(rows: Sequence[CellRow]) -> list[Case]:
    return [Case(row.engine, ComparedWorkload(row.network, row.data_label, row.flops), _outcome(row)) for row in rows]


def _outcome(row: CellRow) -> LogSamples | Missing:
    return row.samples if len(row.samples) else Missing(row.missing_status, row.reason)
