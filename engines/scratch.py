"""A worker's own temporary folder: locked for as long as its host lives, and cleared away whoever of the two dies."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

_PREFIX = "benchsite-worker-"


@contextmanager
def folder() -> Iterator[str]:
    """An empty folder for one worker, gone at the end. What hosts left that were killed is cleared away first."""
    _sweep(Path(tempfile.gettempdir()))
    path, lock = _locked_folder()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _locked_folder() -> tuple[str, int]:
    """Another host may sweep between our two steps: then there is a next folder."""
    while True:
        path = tempfile.mkdtemp(prefix=_PREFIX)
        with suppress(FileNotFoundError):
            lock = os.open(path, os.O_RDONLY)
            with suppress(OSError):  # a file system without locks: nobody sweeps there either
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if Path(path).is_dir():
                return path, lock
            os.close(lock)


@cache
def _sweep(temporary: Path) -> None:
    """Once a process. A worker clears its folder when its host dies, but for the moments in which it is leaving."""
    for left in temporary.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another user's, or gone meanwhile
            lock = os.open(left, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while its host lives
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(lock)
