"""What each server confirmed of a spool, and what it refused: a file beside the spool, `quick.uploads.json`.

It only saves work. Without it everything is offered again, and the server knows what it has.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from runs.errors import SpoolError
from runs.upload.access import Server
from runs.validation import DocumentError, adapter, from_json

_LOCK = ".uploads.lock"


@dataclass(frozen=True)
class Refusal:
    """`digest` is that of the record that was refused: another content is another try."""

    digest: str
    code: str
    reason: str
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


@dataclass
class Standing:
    """Of one server. `confirmed` are run ids with the digests of their records."""

    confirmed: dict[str, str] = field(default_factory=dict)
    refused: dict[str, Refusal] = field(default_factory=dict)

    def add(self, confirmed: Mapping[str, str], refused: Mapping[str, Refusal]) -> None:
        self.confirmed.update(confirmed)
        self.refused.update(refused)
        for run_id in confirmed:
            self.refused.pop(run_id, None)


@dataclass
class _Document:
    """By server address."""

    servers: dict[str, Standing] = field(default_factory=dict)


@dataclass(frozen=True)
class Notes:
    path: Path

    def of(self, server: Server) -> Standing:
        """Raises SpoolError."""
        return self._read().servers.get(server.address, Standing())

    def add(self, server: Server, confirmed: Mapping[str, str], refused: Mapping[str, Refusal]) -> None:
        """Added to what is there by now: another upload of the same spool may write, too. Raises SpoolError."""
        with self._writing():
            document = self._read()
            document.servers.setdefault(server.address, Standing()).add(confirmed, refused)
            _replace(self.path, adapter(_Document).dump_json(document, indent=1))

    def prepare(self) -> None:
        """Prove that it can be written, before anything is sent. Raises SpoolError."""
        with self._writing():
            _replace(self.path, adapter(_Document).dump_json(self._read(), indent=1))

    def _read(self) -> _Document:
        try:
            return from_json(_Document, self.path.read_bytes())
        except FileNotFoundError:
            return _Document()
        except DocumentError:  # not by us, who replace it whole
            self.path.replace(f"{self.path}.damaged")
            return _Document()
        except OSError as error:
            raise _error(self.path, error) from None

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """One writer at a time, for the moment that writing takes."""
        try:
            with (self.path.parent / _LOCK).open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise _error(self.path, error) from None


def notes_beside(spool: Path) -> Notes:
    return Notes(spool.with_suffix(".uploads.json"))


def _replace(path: Path, content: bytes) -> None:
    """The whole new file or the whole old one, whenever the power fails."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _error(path: Path, error: OSError) -> SpoolError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SpoolError(f"The disk is full: {path} cannot grow. Free some space, then give the same command again.")
    return SpoolError(
        f"{path} cannot be written: {error.strerror}. It is to note what was uploaded: copy the spool to a folder of "
        "your own."
    )
