"""How an upload ends early, and what one try may end with instead."""

from __future__ import annotations

from typing import Literal

from runs.errors import RunsError


class UploadError(RunsError):
    """No later try would help: somebody has to fix something first."""


class UnreachableError(RunsError):
    """The server could not take all of it in the time given; the next call goes on."""


Trouble = Literal["unreachable", "busy", "slow", "failing", "too large"]
"""`failing`: the server's own fault (500), which one record may cause; `too large`: more than the server takes."""


class TryAgainError(Exception):
    """One try failed in a way that another may not. `wait_seconds` is what the server asks for."""

    def __init__(self, trouble: Trouble, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.trouble = trouble
        self.reason = reason
        self.wait_seconds = wait_seconds
