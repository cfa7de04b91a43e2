"""How long reads take, one after the other on one connection, and how many queries each makes."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.load.servers import THREADS, WORKERS, Server

FEWEST_ROUNDS = 20


@dataclass(frozen=True)
class ReadTimes:
    """`milliseconds`, sorted."""

    name: str
    queries: int
    kilobytes: float
    milliseconds: Sequence[float]

    def quantile(self, share: float) -> float:
        """The smallest time that this share of the reads did not exceed."""
        last = len(self.milliseconds) - 1
        return self.milliseconds[min(last, max(0, round(share * len(self.milliseconds) + 0.5) - 1))]


def read_times(server: Server, addresses: Mapping[str, str], rounds: int, seconds: float) -> list[ReadTimes]:
    """Round after round over all addresses, so that what disturbs the machine meets all of them alike."""
    _warm(server, addresses)
    times: dict[str, list[float]] = {name: [] for name in addresses}
    sizes: dict[str, int] = {}
    deadline = time.monotonic() + seconds
    for done in range(rounds):
        if done >= FEWEST_ROUNDS and time.monotonic() > deadline:
            break
        connection = server.connection()
        for name, address in addresses.items():
            start = time.perf_counter()
            sizes[name] = _read(connection, address)
            times[name].append((time.perf_counter() - start) * 1000)
        connection.close()
    return [
        ReadTimes(name, query_count(address), sizes[name] / 1024, sorted(times[name]))
        for name, address in addresses.items()
    ]


def _warm(server: Server, addresses: Mapping[str, str]) -> None:
    """Every worker has read its templates and has its connections before anything is timed."""
    for _ in range(WORKERS * THREADS):
        connection = server.connection()
        for address in addresses.values():
            _read(connection, address)
        connection.close()


def _read(connection: HTTPConnection, address: str) -> int:
    connection.request("GET", address, headers={"Accept": "*/*"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        sys.exit(f"{address} was answered {answer.status}: {body[:500]!r}")
    return len(body)


def query_count(address: str) -> int:
    client = Client(headers={"host": "127.0.0.1"})
    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    return len(queries)
