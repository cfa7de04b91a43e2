"""Why an engine could not give a time. Each error names the status that its run is recorded with."""

from __future__ import annotations

from typing import ClassVar

from engines.run_record import Status


class EngineError(Exception):
    """Base of all; its text is the reason that a reader of the record sees."""

    status: ClassVar[Status] = "crashed"


class UnavailableError(EngineError):
    """The engine's environment or hardware is not there; the text says how to get it."""

    status = "unsupported"


class UnsupportedError(EngineError):
    """The engine cannot do this cell, here or at all."""

    status = "unsupported"


class OutOfMemoryError(EngineError):
    status = "out_of_memory"


class DivergedError(EngineError):
    """The loss stopped being a finite number."""

    status = "diverged"


class DataSetError(EngineError):
    """A data set is missing or damaged; the text says what to do."""


class MissingDataSetError(DataSetError):
    """Nothing of it is on this machine: the one case in which other data may stand in."""


class InterpreterMissingError(EngineError):
    """No Python of a version that an environment needs."""
