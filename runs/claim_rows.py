"""The study's claims over stored summaries: which of an experiment's cells they are judged on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from engines.contract import Device
from runs.cells import FACETS, CellRow, pick
from runs.noise import region_of
from runs.recommendation import Missing
from runs.selectors import Scope, cells_of
from runs.stats import MIN_RUNS, LogSamples
from runs.study.claims import Hardware, JudgedClaim, Measured, Place, judge_claims
from runs.study.published import published

TRACK = "idiomatic"
"""The study wrote each library as its own guide teaches."""
_DATA = tuple(facet for facet in FACETS if facet.name == "data")


def claims_in(scope: Scope) -> Sequence[JudgedClaim]:
    """Every claim, judged on one experiment and one machine, whose own noise widens what counts as alike."""
    return judged(measured_in(scope), region_of(scope.machine))


@lru_cache(maxsize=100)
def judged(cells: Measured, rope: float) -> Sequence[JudgedClaim]:
    """Every claim, with a machine's region of practical equivalence.

    Kept with the cells' content as the key: half of a page's time would go into judging the same again.
    """
    return tuple(judge_claims(published(), cells, rope=rope))


def measured_in(scope: Scope) -> Measured:
    return measured(cells_of(scope), scope.machine.hardware if scope.machine else {})


def measured(rows: Iterable[CellRow], hardware: Mapping[str, Any]) -> Measured:
    """The cells that the claims are judged on. `hardware` is the contract's Machine as a mapping.

    Of each network type the data set with most finished cells, of each engine and device the newest environment:
    nothing is pooled over either. Only the idiomatic track; on the GPU only one CPU thread, as the suites have it.
    """
    own = [row for row in rows if row.track == TRACK and (row.device == "cpu" or row.threads == 1)]
    chosen = _newest_environment([*_one_data_set(own, "mlp"), *_one_data_set(own, "cnn")])
    return Measured(
        {_place(row): _outcome(row) for row in chosen},
        _hardware(hardware),
        tuple(dict.fromkeys(f"{row.network_type.upper()}: {row.data_label}, {row.training}" for row in chosen)),
    )


def _one_data_set(rows: Sequence[CellRow], network_type: str) -> tuple[CellRow, ...]:
    return pick((row for row in rows if row.network_type == network_type), {}, _DATA).rows


def _newest_environment(rows: Sequence[CellRow]) -> list[CellRow]:
    """A GPU build is an environment of its own, so each engine has one for each device."""
    newest: dict[tuple[str, str], CellRow] = {}
    for row in sorted(rows, key=lambda row: row.newest_run_at):
        newest[row.engine, row.device] = row
    return [row for row in rows if row.environment_id == newest[row.engine, row.device].environment_id]


def _place(row: CellRow) -> Place:
    device: Device = "gpu" if row.device == "gpu" else "cpu"
    return Place(row.engine, row.network, device, row.threads)


def _outcome(row: CellRow) -> LogSamples | Missing:
    """A cell that mostly failed counts as its failure: more runs will not help it."""
    finished = len(row.samples)
    if finished >= MIN_RUNS or 2 * finished > sum(row.status_counts.values()):
        return row.samples
    return Missing(row.missing_status, row.reason)


def _hardware(hardware: Mapping[str, Any]) -> Hardware:
    gpus = hardware.get("gpus")
    return Hardware(None if gpus is None else len(gpus), hardware.get("threads"))
