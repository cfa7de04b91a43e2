"""The study's claims over cells: which of them each is judged on, and the verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from engines.contract import Device
from engines.networks import ARCHITECTURES
from runs.findings.cells import CellRow
from runs.findings.facets import FACETS_BY_NAME, newest_code, newest_environments, pick
from runs.stats import MIN_RUNS, LogSamples
from runs.stats.outcomes import Missing
from runs.study.claims import Hardware, JudgedClaim, Measured, Place, Version, judge_claims
from runs.study.published import published
from runs.words.networks import network_title

TRACK = "idiomatic"
"""The study wrote each library as its own guide teaches."""
_DATA = (FACETS_BY_NAME["data"], FACETS_BY_NAME["batch"])


@lru_cache(maxsize=100)
def judged(cells: Measured, rope: float) -> Sequence[JudgedClaim]:
    """Every claim, with a machine's region of practical equivalence.

    Kept with the cells' content as the key: half of a page's time would go into judging the same again.
    """
    return tuple(judge_claims(published(), cells, rope=rope))


def measured(rows: Iterable[CellRow], hardware: Mapping[str, Any]) -> Measured:
    """The cells that the claims are judged on. `hardware` is the contract's Machine as a mapping.

    Of each network type the data set, and then the batch size and optimizer, with most finished cells; of each engine
    and device the newest environment and code: nothing is pooled over any. Only the idiomatic track; on the GPU only
    one CPU thread, as the suites have it; and only one replica, as the study had.
    """
    own = [
        row for row in rows if row.track == TRACK and (row.device == "cpu" or row.threads == 1) and row.replicas == 1
    ]
    chosen = newest_code(newest_environments([row for each in ARCHITECTURES for row in _one_data_set(own, each)]))
    by_data = {(row.network_type, row.data_key, row.training_key): row for row in chosen}
    by_device = {(row.engine, row.device): row for row in chosen}
    return Measured(
        {_place(row): _outcome(row) for row in chosen},
        _hardware(hardware),
        tuple(f"{network_title(row.network_type)}: {row.data_label}, {row.training}" for row in by_data.values()),
        {(row.engine, _device(row)): Version(row.release, row.engine_sha256) for row in by_device.values()},
    )


def _one_data_set(rows: Sequence[CellRow], network_type: str) -> tuple[CellRow, ...]:
    return pick((row for row in rows if row.network_type == network_type), {}, _DATA).rows


def _place(row: CellRow) -> Place:
    return Place(row.engine, row.network, _device(row), row.threads)


def _device(row: CellRow) -> Device:
    return "gpu" if row.device == "gpu" else "cpu"


def _outcome(row: CellRow) -> LogSamples | Missing:
    """A cell that mostly failed counts as its failure: more runs will not help it."""
    finished = len(row.samples)
    if finished >= MIN_RUNS or 2 * finished > sum(row.status_counts.values()):
        return row.samples
    return Missing(row.missing_status, row.reason)


def _hardware(hardware: Mapping[str, Any]) -> Hardware:
    gpus = hardware.get("gpus")
    return Hardware(None if gpus is None else len(gpus), hardware.get("threads"))
