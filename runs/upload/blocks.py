"""Uploading while a suite is measured: between blocks and for a bounded time, so that no timed run is disturbed."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from engines.contract import as_json
from engines.run_record import RunRecord
from runs.errors import RunsError
from runs.records.spool import Spool
from runs.upload.access import find_token, server_at
from runs.upload.client import Client
from runs.upload.display import Screen, clock_remark, in_words, remarks
from runs.upload.errors import TryAgainError, UnreachableError
from runs.upload.package import Package, pack
from runs.upload.patience import MAX_RECORDS, Backoff
from runs.upload.pending import line_of
from runs.upload.sending import Sender

BLOCK_SECONDS = 10.0
"""The most that a server may take after a block."""
SHARE = 10
"""Of all time, uploads between blocks take no more than one part in so many."""
END_PATIENCE_SECONDS = 120.0
"""How long the end of a suite waits for a server that fails."""

Take = Callable[[Sequence[RunRecord]], None]


def in_turn(*takers: Take) -> Take:
    """One who hands records to each of these."""

    def take(records: Sequence[RunRecord]) -> None:
        for each in takers:
            each(records)

    return take


class Uploads(Protocol):
    def begin(self) -> None:
        """Look early whether the server is there and knows the token. It is no reason not to measure."""

    def __call__(self, records: Sequence[RunRecord]) -> None:
        """A block is over, and nothing is being timed."""

    def finish(self) -> None:
        """The suite is over: send what is left. Raises RunsError where not all of it could be sent."""


class NoUploads:
    def begin(self) -> None:
        pass

    def __call__(self, records: Sequence[RunRecord]) -> None:
        pass

    def finish(self) -> None:
        pass


@dataclass
class BlockUploads:
    """Offers a block's records when it is over: one try. What fails is in the spool, and goes at the end."""

    client: Client
    spool: Path
    backoff: Backoff = field(default_factory=lambda: Backoff(first_seconds=60.0, longest_seconds=1800.0))
    clock: Callable[[], float] = time.monotonic
    patience_seconds: float = END_PATIENCE_SECONDS
    _waiting: dict[str, bytes] = field(default_factory=dict)
    _rests_until: float = float("-inf")
    _has_warned: bool = False

    def begin(self) -> None:
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
        """Once: nobody needs to read it after each block."""
        if not self._has_warned:
            _say(f"Not uploaded for now: {reason.rstrip('.')}. The suite goes on: the spool has its runs.")
        self._has_warned = True

    def finish(self) -> None:
        address = self.client.server.address
        package = pack(self.spool, self.client.server)
        try:
            with Screen(sys.stderr, [package]) as screen:
                Sender(self.client, screen, self.patience_seconds).send(package)
        except RunsError as error:
            left = f"{package.count.left} runs are not uploaded yet"
            raise UnreachableError(f"{left}. {error} Later: python manage.py uploadruns {address}") from None
        for remark in [*remarks([package]), clock_remark(self.client.seconds_ahead)]:
            _say(remark)
        _say(f"{address}: {in_words(package.count)}; {package.confirmed_before:,} were confirmed earlier.")
        if package.refusals:
            raise RunsError(f"{address} refused runs, for the reasons above. They are kept in the spool.")


def _say(text: str) -> None:
    """Beside the results, and above a live bar."""
    if text:
        sys.stderr.write(f"{text}\n")


# ---------------------------------------------------------------- on the command line


def add_upload_options(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--upload", metavar="URL", help="another Benchsite that also gets the runs, after each block")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="a file with that Benchsite's token")
    parser.add_argument("--insecure", action="store_true", help="upload over http:// to another machine")


@contextmanager
def uploads_to(options: Mapping[str, Any], spool: Spool, var: Path) -> Iterator[Uploads]:
    """What `--upload` asks for. Raises UploadError at once for a wrong address or no token."""
    if not options["upload"]:
        yield NoUploads()
        return
    server = server_at(options["upload"], insecure=options["insecure"])
    token = find_token(options["token_file"], os.environ, var, _say)
    with Client(server, token, accept_hardware=options["accept_hardware"]) as client:
        yield BlockUploads(client, spool.path, patience_seconds=END_PATIENCE_SECONDS)
