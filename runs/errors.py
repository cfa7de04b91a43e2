"""One error tree for the recording half; commands, pages and the API each translate it once."""

from __future__ import annotations

from typing import Any


class RunsError(Exception):
    """A message for people and `extra` for programs."""

    def __init__(self, message: str, extra: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.extra = extra or {}


class RecordError(RunsError):
    """A run record that does not fit the schema."""


class SuiteError(RunsError):
    """A suite that cannot be found or read, or asks for what does not exist."""


class SpoolError(RunsError):
    """The spool cannot be read or written."""


class BusyError(RunsError):
    """Something else is measured on this machine."""


class ConflictError(RunsError):
    """The same id or name stands for something else already."""


class StorageError(RunsError):
    """The database cannot be reached or written."""


class ForbiddenError(RunsError):
    """Somebody else's machine, experiment or run."""


class NotFoundError(RunsError):
    """There is no such thing."""
