"""What came of a cell that has no time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engines.run_record import Status

MissingStatus = Status | Literal["not_run", "excluded", "not_equivalent"]


@dataclass(frozen=True)
class Missing:
    """Why there is no time, and the reason in words."""

    status: MissingStatus
    reason: str = ""
