"""One official file over HTTPS: resumed where it was cut off, checked by checksum, only then given its name."""

from __future__ import annotations

import fcntl
import http.client
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from engines.datasets.folder import sha256_of, writing_to
from engines.datasets.source import FIRST_CONTACT_SECONDS, Download, Progress, ProgressCallback
from engines.errors import DataSetError

_FRUITLESS_ATTEMPTS = 3
_CHUNK_BYTES = 1 << 18
_PARTIAL, _RANGE_NOT_SATISFIABLE = 206, 416


class _UnreachableError(DataSetError):
    """This address did not give the file; another one may."""


def download(
    item: Download,
    folder: Path,
    *,
    progress: ProgressCallback | None = None,
    timeout_seconds: float = FIRST_CONTACT_SECONDS,
) -> Path:
    """The file in `folder`, with the right checksum.

    Raises DataSetError if no address answers in time, the file is another one or the disk is full; what came so far
    stays beside it as `.part`, and the next call goes on from there.
    """
    target = folder / item.file
    if target.exists():  # it gets this name only after its checksum was right
        return target
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{item.file}.part"
    with _opened_alone(part) as file:
        _Transfer(item, file, progress or _say_nothing, timeout_seconds).complete()
        _check(part, item)
        part.replace(target)
    return target


def _say_nothing(progress: Progress) -> None:
    pass


@contextmanager
def _opened_alone(part: Path) -> Iterator[BinaryIO]:
    with writing_to(part.parent):
        file = part.open("ab", buffering=0)
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataSetError(f"Another process is downloading {part.stem} right now: wait for it to end.") from error
        yield file


def _check(part: Path, item: Download) -> None:
    found = sha256_of(part)
    if found == item.sha256:
        return
    size = part.stat().st_size
    part.unlink()
    raise DataSetError(
        f"What was downloaded as {item.file} is not the official file ({size:,} bytes with sha256 {found[:16]}…, "
        f"expected {item.bytes:,} bytes with {item.sha256[:16]}…). It was removed: fetch it again, or import a copy."
    )


class _Transfer:
    """Brings one `.part` file to its full length, over as many connections as it takes."""

    def __init__(self, item: Download, file: BinaryIO, progress: ProgressCallback, timeout_seconds: float) -> None:
        self._item, self._file, self._progress, self._timeout = item, file, progress, timeout_seconds
        self._done = file.seek(0, 2)

    def complete(self) -> None:
        problem = _UnreachableError(f"{self._item.file} has no address.")
        for address in self._item.addresses:
            try:
                return self._complete_from(address)
            except _UnreachableError as error:
                problem = error
        raise problem

    def _complete_from(self, address: str) -> None:
        """A cut is followed by a new request for the rest, until three requests in a row brought nothing."""
        fruitless = 0
        while self._done < self._item.bytes:
            before = self._done
            finished = self._request(address)
            if finished:
                return
            fruitless = 0 if self._done > before else fruitless + 1
            if fruitless == _FRUITLESS_ATTEMPTS:
                raise _UnreachableError(
                    f"The download of {self._item.file} was cut off after {self._done / 1e6:,.1f} of "
                    f"{self._item.bytes / 1e6:,.1f} MB. Fetch it again: it continues from there."
                )

    def _request(self, address: str) -> bool:
        """One request for what is missing; true when the server had no more to give."""
        headers = {"User-Agent": "benchsite", "Accept-Encoding": "identity"}
        if self._done:
            headers["Range"] = f"bytes={self._done}-"
        try:
            response = _open(urllib.request.Request(address, headers=headers), self._timeout)  # noqa: S310
        except urllib.error.HTTPError as error:
            with error:
                return self._refused(address, error)
        except (OSError, http.client.HTTPException) as error:
            raise _UnreachableError(_unreachable(address, error, self._timeout)) from error
        with response:
            return self._receive(response)

    def _refused(self, address: str, error: urllib.error.HTTPError) -> bool:
        if error.code != _RANGE_NOT_SATISFIABLE or not self._done:
            raise _UnreachableError(
                f"{address} answered {error.code} {error.reason}. Try later, or import a copy that you have."
            )
        self._restart()
        return False

    def _receive(self, response: http.client.HTTPResponse) -> bool:
        if not _continues(response, self._done):
            self._restart()
        length = response.headers.get("Content-Length")
        end = self._done + int(length) if length and length.isdigit() else self._item.bytes
        for chunk in _chunks(response):
            self._append(chunk)
            if self._done > self._item.bytes:
                return True
        return self._done >= end

    def _append(self, chunk: bytes) -> None:
        with writing_to(Path(self._file.name).parent):
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._file.write(rest) :]
        self._done += len(chunk)
        self._progress(Progress(self._item.file, self._done, self._item.bytes))

    def _restart(self) -> None:
        self._file.truncate(0)
        self._done = 0


def _continues(response: http.client.HTTPResponse, done: int) -> bool:
    """Whether the server sends what was asked for, rather than the file from its beginning."""
    if response.status != _PARTIAL:
        return done == 0
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {done}-")


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """What arrives until the end or until the connection breaks or stalls; the length tells which it was."""
    try:
        while chunk := response.read(_CHUNK_BYTES):
            yield chunk
    except (OSError, http.client.HTTPException):
        return


def _open(request: urllib.request.Request, timeout_seconds: float) -> http.client.HTTPResponse:
    """`urlopen`, given up after the time-out as a whole: its own one starts anew per IP address, after the look-up."""
    outcome: queue.SimpleQueue[http.client.HTTPResponse | Exception] = queue.SimpleQueue()

    def contact() -> None:
        try:
            outcome.put(urllib.request.urlopen(request, timeout=timeout_seconds * 0.9))  # noqa: S310
        except Exception as error:
            outcome.put(error)

    threading.Thread(target=contact, daemon=True).start()
    try:
        result = outcome.get(timeout=timeout_seconds)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(result, Exception):
        raise result
    return result


def _unreachable(address: str, error: Exception, timeout_seconds: float) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    said = (
        f"no answer within {timeout_seconds:g} s" if isinstance(reason, TimeoutError) else str(reason) or repr(reason)
    )
    return f"{address} cannot be reached ({said}). Check the network, or import a copy that you have."
