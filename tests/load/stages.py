"""Where the time of an upload goes: microseconds of a record in each stage, in one process, beside nothing else."""

from __future__ import annotations

import gzip
import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from statistics import median
from typing import Any
from unittest import mock

from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from engines.contract import as_json
from engines.run_record import RunRecord
from runs.api import run_views, uploads
from runs.bench.seeding import records_of, sittings
from runs.services import bulk_writes, recording
from runs.services.tokens import make_token

BATCH, ROUNDS = 1_000, 7
SINGLES, WARM = 300, 100
COLUMNS = ("stage", "µs a record", "share")
_STAGES: dict[str, tuple[tuple[Any, str], ...]] = {
    "unzipped": ((gzip, "decompress"),),
    "parsed and checked (pydantic)": ((uploads, "parsed_records"), (run_views, "parsed_records")),
    "its content and hash": ((recording, "stored_form"),),
    "packed": ((bulk_writes, "pack"),),
    "looked up: what is known": ((recording, "_stored_already"),),
    "as rows": ((recording._Batch, "runs"), (recording._Batch, "results")),
    "written: runs": ((recording, "insert_rows"),),
    "written: summaries and coverage": ((recording, "add_to_summaries"),),
}
"""Stages, and the functions in which their time is spent, without what another stage spends within them."""
_REST, _COMMIT = "the rest", "committed"


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
    return _rows(rounds, BATCH, "of one process")


def one_by_one(seed: int) -> list[tuple[str, str, str]]:
    """The same of uploads of one record, each a request through all of the site but its server's socket."""
    _, secret = make_token(user=User.objects.create_user("stages"), name="load", can_upload=True)
    client = Client(headers={"host": "127.0.0.1", "authorization": f"Bearer {secret}"})
    (records,) = itertools.islice(_batches(seed), 1)
    bodies = [as_json(record).encode() for record in records[: SINGLES + WARM]]
    return _rows([_posted(client, body) for body in bodies][WARM:], 1, "with one client")


def _rows(rounds: list[dict[str, float]], batch: int, where: str) -> list[tuple[str, str, str]]:
    found = {stage: median(each[stage] for each in rounds) for stage in (*_STAGES, _REST, _COMMIT)}
    whole = sum(found.values())
    rows = [(stage, f"{seconds / batch * 1e6:.0f}", f"{seconds / whole:.0%}") for stage, seconds in found.items()]
    return [*rows, ("all", f"{whole / batch * 1e6:.0f}", f"{batch / whole:,.0f} runs/s {where}")]


def _batches(seed: int) -> Iterator[list[RunRecord]]:
    for sitting in itertools.islice(sittings(ROUNDS * 5_000, seed), ROUNDS):
        records = list(itertools.islice(records_of(sitting), BATCH))
        name = f"stages {sitting.number}"
        yield [replace(record, placement=replace(record.placement, experiment=name)) for record in records]


def _stored(records: list[RunRecord]) -> dict[str, float]:
    body = gzip.compress(b"\n".join(as_json(record).encode() for record in records))
    with _watched(_STAGES) as watch, watch.on(_COMMIT), transaction.atomic(), watch.on(_REST):
        parsed = uploads.parsed_records(gzip.decompress(body))
        recording.record_runs(records=[each for each in parsed if isinstance(each, RunRecord)])
    return watch.seconds


def _posted(client: Client, body: bytes) -> dict[str, float]:
    with _watched({**_STAGES, _COMMIT: ((transaction.Atomic, "__exit__"),)}) as watch, watch.on(_REST):
        answer = client.post(reverse("api:runs"), body, content_type="application/json")
    assert (answer.status_code, answer.json()["stored"]) == (200, 1), answer.content
    return watch.seconds


@contextmanager
def _watched(stages: Mapping[str, tuple[tuple[Any, str], ...]]) -> Iterator[_Watch]:
    watch = _Watch()
    with ExitStack() as stack:
        for stage, functions in stages.items():
            for owner, name in functions:
                watched = watch.watching(stage, getattr(owner, name))
                stack.enter_context(mock.patch.object(owner, name, watched))
        yield watch
