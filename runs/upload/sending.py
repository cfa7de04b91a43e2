"""A package to its server, batch by batch, until all is there or patience ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from runs.upload.answers import Result
from runs.upload.errors import TryAgainError, UnreachableError, UploadError
from runs.upload.package import Package
from runs.upload.patience import LONE_TRIES, MAX_RECORDS, Backoff, BatchSize
from runs.upload.pending import Line, texts_of

PATIENCE_SECONDS = 15 * 60.0


class Transport(Protocol):
    """What a `client.Client` is to those who send."""

    def send(self, lines: Sequence[Line], texts: Sequence[bytes]) -> tuple[Result, ...]:
        """Each record's result, in order. Raises TryAgainError or UploadError."""


class Watcher(Protocol):
    """Whoever looks on."""

    def advance(self, package: Package) -> None:
        """A batch was answered."""

    def pause(self, reason: str, seconds: float) -> None:
        """The server is in trouble; it is tried again after so long."""


@dataclass
class Sender:
    """`patience_seconds` is how long the server may fail at a stretch; time is that of a clock nobody can set."""

    transport: Transport
    watcher: Watcher
    patience_seconds: float = PATIENCE_SECONDS
    most_records: int = MAX_RECORDS
    backoff: Backoff = field(default_factory=Backoff)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self.size = BatchSize(self.most_records)
        self._deadline = self.clock() + self.patience_seconds
        self._too_large_in_a_row = 0

    def send(self, package: Package) -> None:
        """Raises UnreachableError when patience ends, UploadError or SpoolError when no later try would help."""
        while package.waiting:
            batch = package.next_batch(self.size.now)
            try:
                results = self.transport.send(batch, list(texts_of(package.spool, batch)))
            except TryAgainError as error:
                self._after(error, package, len(batch))
            else:
                package.settle(batch, results)
                self._succeed()
            self.watcher.advance(package)

    def _succeed(self) -> None:
        self.size.succeed()
        self._too_large_in_a_row = 0
        self.backoff.succeed()
        self._deadline = self.clock() + self.patience_seconds

    def _after(self, error: TryAgainError, package: Package, records: int) -> None:
        is_given_up = self.size.fail(error.trouble, records)
        if is_given_up:
            package.put_aside()
        if error.trouble != "too large":  # that is an answer: smaller batches at once
            self._pause(error)
        elif is_given_up:
            self._note_too_large(package)

    def _note_too_large(self, package: Package) -> None:
        self._too_large_in_a_row += 1
        if self._too_large_in_a_row == LONE_TRIES:
            raise UploadError(
                f"{package.server.address} takes no records (status 413), not even {package.set_aside[-1].length:,} "
                "bytes at once. If a proxy stands before it, raise its limit to 16 MiB (nginx: client_max_body_size)."
            )

    def _pause(self, error: TryAgainError) -> None:
        seconds = self.backoff.pause(error.wait_seconds)
        if self.clock() + seconds > self._deadline:
            raise UnreachableError(f"The server cannot be uploaded to just now: {error.reason}.")
        self.watcher.pause(error.reason, seconds)
        self.sleep(seconds)
