"""The document of a profile: what a framework's own profiler said of one cell. It is never a run record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le, MaxLen, MinLen

from engines.contract import Cell, Count, Digest, Document, LongText, Name, Seconds, Text, Timestamp
from engines.run_record import Code, Environment, Machine

PROFILE_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Operation(Document):
    """All calls of one operation; `seconds` are its own, without those of operations that it called."""

    name: Annotated[str, MinLen(1), MaxLen(200)]
    calls: Count
    seconds: Seconds
    share: Annotated[float, Ge(0), Le(1)]


@dataclass(frozen=True)
class Profile(Document):
    """What the framework's own profiler saw of `steps` training steps. It slows what it watches: no time to compare."""

    profiler: Name
    profiler_version: Text
    steps: Annotated[int, Ge(1), Le(10**9)]
    wall_seconds: Seconds
    """Of the profiled steps: what the operations do not account for was spent around them."""
    total_seconds: Seconds
    """The sum over all operations, on all threads: what the shares are shares of."""
    operations: Annotated[tuple[Operation, ...], MinLen(1), MaxLen(1000)]
    """The longest first."""


@dataclass(frozen=True)
class ProfileRecord(Document):
    """A profile with all that identifies what was profiled. It belongs to no experiment, and is never a run."""

    profile_id: Annotated[str, MinLen(36), MaxLen(36)]
    started_at: Timestamp
    finished_at: Timestamp
    cell: Cell
    machine: Machine
    environment: Environment
    code: Code
    cell_key: Digest
    command: LongText
    profile: Profile
    kind: Literal["profile"] = "profile"
    schema_version: Annotated[int, Ge(1), Le(PROFILE_SCHEMA_VERSION)] = PROFILE_SCHEMA_VERSION
