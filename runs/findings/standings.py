"""How the engines of one network stand to the fastest: ratio and verdict of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from runs.findings.alike import Aspect, alike
from runs.findings.cells import CellRow
from runs.stats import EQUIVALENCE, Ratio, judge, ratio, ratio_to_itself, within


@dataclass(frozen=True)
class Standing:
    """A cell against the fastest of its workload. No ratio where it has no time; `verdict` is then empty."""

    row: CellRow
    ratio: Ratio | None
    verdict: str
    note: str = ""
    """By what the verdict was decided, where it was not the interval that is shown."""


def standings(
    rows: Sequence[CellRow], *, but: Aspect | tuple[Aspect, ...] = "engine", rope: float = EQUIVALENCE
) -> list[Standing]:
    """Engines that differ in nothing else (or in `but`), the smallest network first; in each group the fastest first
    and what is missing last. `rope` is the region of practical equivalence of the machine."""
    groups = sorted(alike(rows, but=but), key=lambda group: _group_order_of(group[0]))
    return [standing for group in groups for standing in _group(group, rope)]


def _group_order_of(row: CellRow) -> tuple[object, ...]:
    size = (row.network_type, row.hidden_layers, row.width)
    work = (row.data_key, row.replicas, row.batch_size, row.training_key)
    return (*size, *work, row.device, row.threads, row.track, row.machine)


def _group(rows: Sequence[CellRow], rope: float) -> list[Standing]:
    timed = sorted((row for row in rows if row.estimate), key=_seconds)
    missing = [Standing(row, None, "") for row in rows if not row.estimate]
    return [_standing(timed[0], row, rope) for row in timed] + missing


def _standing(fastest: CellRow, row: CellRow, rope: float) -> Standing:
    if row is fastest:
        verdict = judge(fastest.samples, fastest.samples, rope=rope)
        return Standing(row, ratio_to_itself(row.samples), "best" if verdict == "tie" else verdict)
    found, verdict = ratio(fastest.samples, row.samples), judge(fastest.samples, row.samples, rope=rope)
    return Standing(row, found, verdict, verdict_note(found, verdict, rope))


def verdict_note(found: Ratio, verdict: str, rope: float) -> str:
    """Why it is a tie though the 95 % interval reaches a little beyond one."""
    if verdict != "tie" or within(found, rope):
        return ""
    # xgettext:no-python-format
    return _("A tie, judged by the 90 % interval that is used for ties.")


def _seconds(row: CellRow) -> float:
    return row.estimate.seconds if row.estimate else 0.0
