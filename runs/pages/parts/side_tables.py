"""What sides have in common, and what one lacks, as tables and as a forest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from django.utils.translation import gettext as _

from runs.charts.forest import Forest, Mark, forest
from runs.charts.style import Chip, chip
from runs.findings.alike import HELD_NAMES, held_values
from runs.findings.cells import CellRow
from runs.pages.parts.cells import row_style, time_cell
from runs.pages.parts.comparison import throughput
from runs.pages.parts.pairings import Pairing
from runs.tables.table import Column, Table, TableCell, ratio_values
from runs.words import numbers
from runs.words.cells import missing_words, on_words
from runs.words.networks import network_name
from runs.words.reasons import reason_in_words

MOST_DRAWN = 10


@dataclass(frozen=True)
class Told:
    """What the rows of a page differ in, so that each must say which is its own."""

    data: bool
    training: bool
    side: bool
    """More than one side is held against A."""


def told(pairings: Sequence[Pairing], *, side: bool) -> Told:
    rows = [pairing.row for pairing in pairings]
    types = len({row.network_type for row in rows})
    return Told(
        data=len({(row.network_type, row.data_key) for row in rows}) > types,
        training=len({(row.network_type, row.training_key) for row in rows}) > types,
        side=side,
    )


def _words(row: CellRow, told: Told) -> str:
    where = on_words(row.device, row.threads, row.track, counts_one=False)
    size = network_name(row.network_type, row.hidden_layers, row.width, row.options)
    parts = [size, *([] if where == "CPU" else [where])]
    parts += [row.data_label] if told.data else []
    parts += [row.training] if told.training else []
    return ", ".join(parts)


# ---------------------------------------------------------------- the ratios

_WORKLOAD_EXPORTS = (
    *("network", "data", "engine", "device", "threads"),
    *(f"{side}_{name}" for side in "ab" for name in HELD_NAMES),
)


def ratio_table(pairings: Sequence[Pairing], told: Told, caption: str) -> Table:
    """In exports, `b_` is of the row's own side: B, or the one that `side` names where there are several."""
    columns = [
        Column(_("Workload"), sort="workload", exports=_WORKLOAD_EXPORTS),
        *([Column(_("Side"), sort="side", exports=("side",))] if told.side else []),
        Column(_("A"), is_number=True, sort="a", exports=("a_seconds",)),
        Column(_("The side") if told.side else _("B"), is_number=True, sort="b", exports=("b_seconds",)),
        Column(
            _("Side over A") if told.side else _("B over A"),
            is_number=True,
            sort="ratio",
            exports=("ratio", "low", "high"),
        ),
        # xgettext:no-python-format
        Column(_("95 % interval"), is_number=True, exports=("interval",)),
        Column(_("Verdict"), sort="verdict", exports=("verdict",)),
    ]
    return Table(caption, columns, [_ratio_row(pairing, told) for pairing in pairings])


def _ratio_row(pairing: Pairing, told: Told) -> list[TableCell]:
    row, found = pairing.row, pairing.ratio
    if not found or not pairing.a or not pairing.b:
        raise ValueError("Only what both sides have is compared.")
    times = [side.estimate.seconds if side.estimate else None for side in (pairing.a, pairing.b)]
    words = numbers.interval(found.low, found.high, "×")
    return [
        TableCell(
            _words(row, told),
            style=row_style(row),
            title=f"{row.data_label}, {row.device.upper()}",
            values=(
                *(str(row.network), row.data_label, row.engine, row.device, row.threads),
                *held_values(pairing.a),
                *held_values(pairing.b),
            ),
        ),
        *([TableCell(pairing.letter)] if told.side else []),
        TableCell(numbers.seconds(times[0]), title=throughput(pairing.a), values=(times[0],)),
        TableCell(numbers.seconds(times[1]), title=throughput(pairing.b), values=(times[1],)),
        TableCell(numbers.times(found.value), values=ratio_values(found)),
        TableCell(words),
        TableCell(chip=chip(pairing.verdict), title=pairing.note, values=(pairing.verdict,)),
    ]


def most_different(pairings: Sequence[Pairing]) -> list[Pairing]:
    """Those drawn: the largest differences first. The tables have all."""
    return sorted(pairings, key=_difference, reverse=True)[:MOST_DRAWN]


def _difference(pairing: Pairing) -> float:
    return abs(log(pairing.ratio.value)) if pairing.ratio else 0.0


def forest_of(pairings: Sequence[Pairing], told: Told, rope: float) -> Forest:
    return forest([_mark(pairing, told) for pairing in pairings], rope=rope)


def _mark(pairing: Pairing, told: Told) -> Mark:
    found = pairing.ratio
    assert found, "only what both sides have is drawn"
    words = _words(pairing.row, told)
    return Mark(
        f"{pairing.letter}: {words}" if told.side else words,
        row_style(pairing.row),
        chip(pairing.verdict),
        found.value,
        found.low,
        found.high,
    )


# ---------------------------------------------------------------- what is not compared


def missing_table(pairings: Sequence[Pairing], told: Told) -> Table:
    columns = [
        Column(_("Workload")),
        *([Column(_("Side"))] if told.side else []),
        Column(_("A")),
        Column(_("The side") if told.side else _("B")),
        Column(_("Why"), wraps=True),
    ]
    return Table(_("Not compared"), columns, [_missing_row(pairing, told) for pairing in pairings])


def _missing_row(pairing: Pairing, told: Told) -> list[TableCell]:
    row = pairing.row
    reasons = [reason_in_words(side.reason) for side in (pairing.a, pairing.b) if side and side.reason]
    reasons += [pairing.difference] if pairing.difference else []
    return [
        TableCell(_words(row, told), style=row_style(row), title=row.data_label),
        *([TableCell(pairing.letter)] if told.side else []),
        *(_side_cell(side) for side in (pairing.a, pairing.b)),
        TableCell(" ".join(dict.fromkeys(reasons)) or numbers.NONE),
    ]


def _side_cell(side: CellRow | None) -> TableCell:
    if side is None:
        return TableCell(chip=Chip(missing_words("not_run")))
    if side.estimate or len(side.withheld):
        return time_cell(side)
    return TableCell(chip=Chip(side.missing))
