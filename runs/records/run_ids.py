"""The names of runs and profiles."""

from __future__ import annotations

import secrets
import time
from uuid import UUID


def new_run_id() -> str:
    """A UUID of version 7 (RFC 9562, 5.7): milliseconds since 1970, then 74 random bits.

    Ids that are made one after the other stand side by side in a database's index, so that its pages are written once
    for many of them. A clock that jumps back costs nothing but that.
    """
    milliseconds = time.time_ns() // 1_000_000
    version, variant = 0x7 << 76, 0b10 << 62
    return str(UUID(int=milliseconds << 80 | version | secrets.randbits(12) << 64 | variant | secrets.randbits(62)))
