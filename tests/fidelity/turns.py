"""Two processes that run at once and take turns of half a second, so that a noisy machine's noise meets both alike.

The kernel's own turns of a shared CPU are too short for it: some milliseconds, in which each side mostly fills the
caches that the other has emptied. Where there is no /proc (not Linux), those remain.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path

SECONDS = 0.5


@contextmanager
def taken_by(marks: Sequence[str]) -> Iterator[None]:
    """While this lasts, one of this process's children runs at a time: each is known by a word of its command line."""
    over = threading.Event()
    keeper = threading.Thread(target=_take_turns, args=(marks, over))
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def _take_turns(marks: Sequence[str], over: threading.Event) -> None:
    for mark in cycle(marks):
        sides = {each: [pid for pid, command in _children() if each in command] for each in marks}
        present = [each for each in marks if sides[each]]
        running = marks if over.is_set() else [mark] if len(present) > 1 else present
        for each in present:
            if each not in running:
                _send(sides[each], signal.SIGSTOP)
        for each in running:
            _send(sides[each], signal.SIGCONT)
        if over.is_set():
            return
        over.wait(SECONDS if len(present) > 1 else SECONDS / 10)


def _children() -> list[tuple[int, str]]:
    """The process ids of this process's children, with their command lines."""
    found = []
    for listing in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            pids = [int(pid) for pid in listing.read_text().split()]
            found += [(pid, _command(pid)) for pid in pids]
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _send(pids: Sequence[int], what: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, what)
