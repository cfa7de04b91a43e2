"""A process that does something and is killed at a chosen point of it, with what it had been told was done before."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

Tell = Callable[[str], None]
"""What the process says is done: whoever hears it may rely on it."""
Action = Callable[[Tell], None]


@dataclass(frozen=True)
class Death:
    told: tuple[str, ...]
    was_killed: bool


def in_a_process(action: Action, prepare: Callable[[], None] = lambda: None) -> Death:
    """Forked: it has all that this one has, and its end takes nothing from this one. Its errors are ours."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = 0
        try:
            prepare()
            action(lambda word: _write(writing, word))
        except BaseException as error:
            _write(writing, f"ERROR {type(error).__name__}: {error}")
            code = 1
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as heard:
        told = tuple(line.rstrip("\n") for line in heard)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        assert os.WEXITSTATUS(status) == 0, told
    return Death(told, os.WIFSIGNALED(status))


def _write(descriptor: int, word: str) -> None:
    os.write(descriptor, word.replace("\n", " ").encode() + b"\n")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_at_line(number: int, files: Collection[Path], action: Action) -> Death:
    """Killed before the line of these files that is reached as the so-manieth; not at all if there are fewer."""
    names = {str(path) for path in files}
    left = number

    def count(_: FrameType, event: str, __: Any) -> Any:
        nonlocal left
        if event == "line":
            left -= 1
            if left == 0:
                die()
        return count

    def trace(frame: FrameType, _: str, __: Any) -> Any:
        return count if frame.f_code.co_filename in names else None

    return in_a_process(action, lambda: sys.settrace(trace))


def lines_of(files: Collection[Path], action: Action) -> int:
    """How many lines of these files an action goes through."""
    names, found = {str(path) for path in files}, 0

    def count(_: FrameType, event: str, __: Any) -> Any:
        nonlocal found
        found += event == "line"
        return count

    def whole(tell: Tell) -> None:
        sys.settrace(lambda frame, *_: count if frame.f_code.co_filename in names else None)
        action(lambda _: None)
        sys.settrace(None)
        tell(str(found))

    return int(in_a_process(whole).told[-1])
