"""Which engine to take in each situation: what the study said, what was measured, and how it is drawn. No ORM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engines.contract import Device, NetworkType
from runs import formats
from runs.cell_words import engine_title, missing_words, threads_words
from runs.cells import FACETS, CellRow, pick
from runs.charts.forest import Forest, Mark, forest
from runs.charts.style import Chip, SeriesStyle, style_for
from runs.reason_words import reason_in_words
from runs.recommendation import Case, ComparedWorkload, Missing, Recommendation, Row, Situation, recommend
from runs.stats import EQUIVALENCE, LogSamples
from runs.tables import Column, Table, TableCell, verdict_chip

SITUATIONS: tuple[tuple[NetworkType, Device], ...] = (("mlp", "cpu"), ("mlp", "gpu"), ("cnn", "cpu"), ("cnn", "gpu"))
_FACETS = tuple(facet for facet in FACETS if facet.name in {"network", "device", "threads", "track", "environment"})


@dataclass(frozen=True)
class Answer:
    """One situation: the study's engines (slugs), and the recommendation from the cells at hand."""

    found: Recommendation
    published: Sequence[str]
    conditions: str
    """Threads and track, in words; empty where nothing was run."""

    @property
    def situation(self) -> str:
        return _("{network} on the {device}").format(
            network=self.found.situation.network_type.upper(), device=self.found.situation.device.upper()
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
        counted = ngettext("{n} run each", "{n} runs each", runs).format(n=formats.count(runs))
        network = formats.size(workload.network.hidden_layers, workload.network.width)
        return f"{network}, {workload.data} · {self.conditions} · {counted}"

    @property
    def forest(self) -> Forest:
        return forest([_mark(self.found, row) for row in self.found.rows])

    @property
    def evidence(self) -> Table:
        return evidence_table(self)

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """Each engine that has no time, and why."""
        return [
            (engine_title(row.engine), reason_in_words(row.missing.reason))
            for row in self.found.rows
            if row.missing and row.missing.reason
        ]

    @property
    def published_titles(self) -> list[str]:
        return [engine_title(slug) for slug in self.published]


def answers(
    cells: Sequence[CellRow], published: Mapping[tuple[str, str], Sequence[str]], *, rope: float = EQUIVALENCE
) -> list[Answer]:
    """The four situations of the study's Table 5.1, over the cells of one experiment on one machine."""
    return [
        _answer(cells, network, device, published.get((network, device), ()), rope) for network, device in SITUATIONS
    ]


def _answer(
    cells: Sequence[CellRow], network: NetworkType, device: Device, published: Sequence[str], rope: float
) -> Answer:
    own = [cell for cell in cells if cell.network_type == network and cell.device == device]
    picked = pick(own, {}, _FACETS)
    found = recommend(Situation(network, device), _cases(picked.rows), rope=rope)
    return Answer(found, published, _conditions(picked.rows))


def _cases(rows: Sequence[CellRow]) -> list[Case]:
    """One for each engine and workload, the newest; a cell that mostly failed counts as its failure."""
    newest: dict[tuple[str, ComparedWorkload], CellRow] = {}
    for row in sorted(rows, key=lambda row: row.newest_run_at):
        newest[row.engine, _workload(row)] = row
    return [Case(engine, workload, _outcome(row)) for (engine, workload), row in newest.items()]


def _workload(row: CellRow) -> ComparedWorkload:
    return ComparedWorkload(row.network, row.data_label, row.flops_per_epoch)


def _outcome(row: CellRow) -> LogSamples | Missing:
    return row.samples if len(row.samples) else Missing(row.missing_status, row.reason)


def _conditions(rows: Sequence[CellRow]) -> str:
    if not rows:
        return ""
    track = _("{track} track").format(track=_(rows[0].track))
    return f"{threads_words(rows[0].threads)}, {track}"


# ---------------------------------------------------------------- how it is shown


def row_chip(row: Row) -> Chip:
    if row.verdict:
        return verdict_chip(row.verdict)
    return Chip(missing_words(row.missing.status if row.missing else "not_run"))


def _row_style(found: Recommendation, row: Row) -> SeriesStyle:
    layers = found.workload.network.hidden_layers if found.workload else 16
    return style_for(row.engine, network_type=found.situation.network_type, hidden_layers=layers)


def _mark(found: Recommendation, row: Row) -> Mark:
    ratio = row.ratio
    return Mark(
        title=engine_title(row.engine),
        style=_row_style(found, row),
        chip=row_chip(row),
        value=ratio.value if ratio else None,
        low=ratio.low if ratio else None,
        high=ratio.high if ratio else None,
        reason=reason_in_words(row.missing.reason) if row.missing else "",
    )


def overview_table(found: Sequence[Answer]) -> Table:
    """The form of the study's Table 5.1, with what was measured beside it."""
    columns = [
        Column(_("Situation")),
        Column(_("Published, 2017")),
        Column(_("Measured here")),
        Column(_("On"), wraps=True),
    ]
    rows = [
        [
            TableCell(answer.situation, url=f"#{answer.slug}" if answer.was_tried else ""),
            TableCell(_(" or ").join(answer.published_titles) or formats.NONE),
            TableCell(_(" or ").join(answer.headline), chip=None if answer.headline else Chip(_no_answer(answer))),
            TableCell(answer.basis or formats.NONE),
        ]
        for answer in found
    ]
    return Table(_("Recommended engines, published and measured"), columns, rows)


def _no_answer(answer: Answer) -> str:
    if answer.has_times:
        return _("unresolved")
    missing = [row.missing for row in answer.found.rows if row.missing]
    return missing_words(missing[0].status) if missing else missing_words("not_run")


def evidence_table(answer: Answer) -> Table:
    columns = [
        Column(_("Engine")),
        Column(_("To the fastest"), is_number=True),
        # xgettext:no-python-format
        Column(_("95 % interval"), is_number=True),
    ]
    columns += [Column(_("Runs"), is_number=True), Column(_("Verdict"))]
    rows = [_evidence_row(answer, row) for row in answer.found.rows]
    return Table(
        _("{situation}: each engine's time over the fastest's").format(situation=answer.situation), columns, rows
    )


def _evidence_row(answer: Answer, row: Row) -> list[TableCell]:
    ratio = row.ratio
    return [
        TableCell(engine_title(row.engine), style=_row_style(answer.found, row)),
        TableCell(formats.times(ratio.value if ratio else None)),
        TableCell(formats.interval(ratio.low, ratio.high, "×") if ratio else formats.NONE),
        TableCell(formats.count(ratio.runs) if ratio else formats.NONE),
        TableCell(chip=row_chip(row), title=reason_in_words(row.missing.reason) if row.missing else ""),
    ]
