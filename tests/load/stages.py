"""Where the time of an upload goes: microseconds of a record in each stage, in one process, beside nothing else."""

from __future__ import annotations

import gzip
import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from statistics import median
from typing import Any
from unittest import mock

from django.db import transaction

from engines.contract import as_json
from engines.run_record import RunRecord
from runs.api import uploads
from runs.bench.seeding import records_of, sittings
from runs.services import bulk_writes, recording

BATCH, ROUNDS = 1_000, 7
COLUMNS = ("stage", "µs a record", "share")
_STAGES: dict[str, tuple[tuple[Any, str], ...]] = {
    "unzipped": ((gzip, "decompress"),),
    "parsed and checked (pydantic)": ((uploads, "parsed_records"),),
    "its content and hash": ((recording, "stored_form"),),
    "packed": ((bulk_writes, "pack"),),
    "looked up: what is known": ((recording, "_stored_already"),),
    "as rows": ((recording._Batch, "runs"), (recording._Batch, "results")),
    "written: runs": ((recording, "insert_rows"),),
    "written: summaries and coverage": ((recording, "add_to_summaries"),),
}
"""Stages, and the functions in which their time is spent, without what another stage spends within them."""
_COMMIT = "committed"


class _Watch:
    """Seconds by stage; the innermost that is under way counts."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._under_way: list[str] = []
        self._since = 0.0

    @contextmanager
    def on(self, stage: str) -> Iterator[None]:
        self._turn()
        self._under_way.append(stage)
        yield
        self._turn()
        self._under_way.pop()

    def _turn(self) -> None:
        now = time.perf_counter()
        if self._under_way:
            self.seconds[self._under_way[-1]] += now - self._since
        self._since = now

    def watching(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **named: Any) -> Any:
            with self.on(stage):
                return function(*arguments, **named)

        return watched


def stages(seed: int) -> list[tuple[str, str, str]]:
    """Medians over batches, each of a sitting of its own into cells that are new."""
    rounds = [_stored(batch) for batch in _batches(seed)]
    found = {stage: median(each[stage] for each in rounds) for stage in (*_STAGES, "the rest", _COMMIT)}
    whole = sum(found.values())
    rows = [(stage, f"{seconds / BATCH * 1e6:.0f}", f"{seconds / whole:.0%}") for stage, seconds in found.items()]
    return [*rows, ("all", f"{whole / BATCH * 1e6:.0f}", f"{BATCH / whole:,.0f} runs/s of one process")]


def _batches(seed: int) -> Iterator[list[RunRecord]]:
    for sitting in itertools.islice(sittings(ROUNDS * 5_000, seed), ROUNDS):
        records = list(itertools.islice(records_of(sitting), BATCH))
        name = f"stages {sitting.number}"
        yield [replace(record, placement=replace(record.placement, experiment=name)) for record in records]


def _stored(records: list[RunRecord]) -> dict[str, float]:
    body = gzip.compress(b"\n".join(as_json(record).encode() for record in records))
    watch = _Watch()
    with ExitStack() as stack:
        for stage, functions in _STAGES.items():
            for owner, name in functions:
                watched = watch.watching(stage, getattr(owner, name))
                stack.enter_context(mock.patch.object(owner, name, watched))
        with watch.on(_COMMIT), transaction.atomic(), watch.on("the rest"):
            parsed = uploads.parsed_records(gzip.decompress(body))
            recording.record_runs(records=[each for each in parsed if isinstance(each, RunRecord)])
    return {stage: watch.seconds[stage] for stage in (*_STAGES, "the rest", _COMMIT)}
