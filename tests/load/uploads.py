"""How many runs a second are stored: batches of full-size records from clients that keep their connections open."""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from engines.run_record import RunRecord
from runs.bench.seeding import records_of, sittings
from runs.validation import adapter
from tests.load.servers import Server, load_average

CLIENTS = (1, 4)
_MOST_PER_SECOND = 12_000
"""So many records are made beforehand; a measurement that would need more ends early."""


@dataclass(frozen=True)
class UploadRate:
    batch: int
    clients: int
    runs: int
    seconds: float
    load: float

    @property
    def per_second(self) -> float:
        return self.runs / self.seconds


def upload_rates(server: Server, secret: str, seconds: float, batches: Sequence[int]) -> Iterator[UploadRate]:
    """Each client is a machine of its own, with an experiment of its own, as in a laboratory."""
    seeds = itertools.count(int(time.time()))
    for batch, clients in itertools.product(batches, CLIENTS):
        number = int(min(_MOST_PER_SECOND, 1000 * batch) * seconds / batch / clients) + 1
        bodies = [_bodies(next(seeds), batch, number) for _ in range(clients)]
        yield _rate(server, secret, batch, bodies, seconds)


def _bodies(seed: int, batch: int, number: int) -> list[bytes]:
    """Every one with runs of its own."""
    dump = adapter(RunRecord).dump_json
    every = (dump(record) for sitting in sittings(batch * number, seed) for record in records_of(sitting))
    return [b"[" + b",".join(itertools.islice(every, batch)) + b"]" for _ in range(number)]


def _rate(server: Server, secret: str, batch: int, bodies: list[list[bytes]], seconds: float) -> UploadRate:
    start = time.perf_counter()
    with ThreadPoolExecutor(len(bodies)) as pool:
        counts = pool.map(lambda own: _upload(server, secret, own, start + seconds), bodies)
        runs = batch * sum(counts)
    return UploadRate(batch, len(bodies), runs, time.perf_counter() - start, load_average())


def _upload(server: Server, secret: str, bodies: list[bytes], deadline: float) -> int:
    """How many bodies were taken; the first and the last answers are looked at run by run."""
    connection = server.connection()
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    taken = 0
    for body in bodies:
        connection.request("POST", "/api/v1/runs/", body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200 or json.loads(text)["refused"] or json.loads(text)["known"]:
            sys.exit(f"An upload was answered {answer.status}: {text[:500]!r}")
        taken += 1
        if time.perf_counter() > deadline:
            break
    return taken
