"""One measurement at a time on a machine: two suites at once would time each other.

A lock of the machine, whatever checkouts and users it has, and one of this installation, by which others see that it is
measuring. The system gives both back when their holder ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from runs.errors import BusyError, SpoolError

_OF_THE_INSTALLATION = ".lock"
_POLL_SECONDS = 1.0


def machine_lock() -> Path:
    """BENCHSITE_LOCK, else a file of the system's temporary folder, which all users share."""
    return Path(os.environ.get("BENCHSITE_LOCK") or Path(tempfile.gettempdir()) / "benchsite-measuring.lock")


@contextmanager
def sole_measurer(
    folder: Path, *, wait_seconds: float = 0.0, waiting: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Hold both locks; `folder` is the installation's spool. `waiting` is called once if somebody else has them.

    Raises BusyError where they stay taken for `wait_seconds`, SpoolError where a file cannot be used.
    """
    until = time.monotonic() + wait_seconds
    with _opened(folder / _OF_THE_INSTALLATION) as own, _opened(machine_lock()) as whole:
        told = False
        while not (_taken(own) and _taken(whole)):
            if time.monotonic() >= until:
                raise BusyError(_busy_words(wait_seconds))
            if not told:
                waiting()
                told = True
            time.sleep(min(_POLL_SECONDS, max(0.01, until - time.monotonic())))
        yield


def _busy_words(wait_seconds: float) -> str:
    if wait_seconds:
        return f"Another measurement kept this machine busy for {wait_seconds:.0f} s. Try again later."
    return "Another runbench is measuring here. Wait for it (--wait 1h), or stop it with Ctrl-C."


def _opened(path: Path) -> IO[Any]:
    """Another user's file is not ours to write, and need not be: whoever can read a file can lock it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file: IO[Any] = path.open("a+")
        except PermissionError:
            return path.open("rb")
        with suppress(PermissionError):
            path.chmod(0o666 if path == machine_lock() else 0o644)
        return file
    except OSError as error:
        raise SpoolError(f"The lock {path} cannot be used: {error.strerror}.") from None


def _taken(file: IO[Any]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_measuring(folder: Path) -> bool:
    """Whether a runbench holds this installation's lock now."""
    try:
        with (folder / _OF_THE_INSTALLATION).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
