"""Uploading while a suite is measured: between blocks and for a bounded time, so that no timed run is disturbed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from engines.contract import RunRecord, as_json
from runs.errors import RunsError
from runs.upload.client import Client
from runs.upload.errors import TryAgainError
from runs.upload.package import Package
from runs.upload.patience import MAX_RECORDS, Backoff
from runs.upload.pending import line_of

BLOCK_SECONDS = 10.0
"""The most that a server may take after a block."""
SHARE = 10
"""Of all time, uploads between blocks take no more than one part in so many."""


@dataclass
class BlockUploads:
    """Offers a block's records when it is over: one try. What fails is in the spool, and goes at the end."""

    client: Client
    spool: Path
    warn: Callable[[str], None]
    backoff: Backoff = field(default_factory=lambda: Backoff(first_seconds=60.0, longest_seconds=1800.0))
    clock: Callable[[], float] = time.monotonic
    _waiting: dict[str, bytes] = field(default_factory=dict)
    _rests_until: float = float("-inf")
    _has_warned: bool = False

    def begin(self) -> None:
        """Look early whether the server is there and knows the token. It is no reason not to measure."""
        self._attempt(lambda: self.client.check(within=BLOCK_SECONDS))

    def __call__(self, records: Sequence[RunRecord]) -> None:
        self._waiting |= {record.run_id: as_json(record).encode() for record in records}
        if self._waiting and self.clock() >= self._rests_until:
            self._attempt(self._send)

    def _send(self) -> None:
        batch = {line: text for text in islice(self._waiting.values(), MAX_RECORDS) if (line := line_of(text))}
        package = Package(self.spool, self.client.server, list(batch))
        package.settle(list(batch), self.client.send(list(batch), list(batch.values()), within=BLOCK_SECONDS))
        for line in batch:
            del self._waiting[line.run_id]

    def _attempt(self, act: Callable[[], None]) -> None:
        begun = self.clock()
        try:
            act()
        except (TryAgainError, RunsError) as error:
            self._rests_until = self.clock() + self.backoff.pause()
            self._tell(str(error))
        else:
            self.backoff.succeed()
            self._rests_until = self.clock() + (SHARE - 1) * (self.clock() - begun)

    def _tell(self, reason: str) -> None:
        if not self._has_warned:
            self.warn(f"Not uploaded for now: {reason.rstrip('.')}. The suite goes on: the spool has its runs.")
        self._has_warned = True
