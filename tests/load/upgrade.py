"""How long a site takes to upgrade, and whether it keeps every record to the byte."""

from __future__ import annotations

import hashlib
import io
import time
from dataclasses import dataclass

from django.core.management import call_command

BEFORE = "0007_fill_coverage"
"""The last migration before the engine's code became a part of a cell."""


@dataclass(frozen=True)
class Upgrade:
    runs: int
    seconds: float
    keeps_every_byte: bool

    @property
    def row(self) -> tuple[str, str, str]:
        return f"{self.runs:,}", f"{self.seconds:.0f}", "yes" if self.keeps_every_byte else "NO"


def upgraded(runs: int, seed: int) -> Upgrade:
    """Fills the database, takes it back to how it was, and upgrades it."""
    call_command("seedruns", runs=runs, seed=seed, verbosity=0)
    before = records_digest()
    call_command("migrate", "runs", BEFORE, verbosity=0)
    start = time.perf_counter()
    call_command("migrate", verbosity=0)
    return Upgrade(runs, time.perf_counter() - start, before == records_digest())


def records_digest() -> str:
    """The digest of all that `exportruns` writes."""
    out = io.StringIO()
    call_command("exportruns", stdout=out)
    return hashlib.sha256(out.getvalue().encode()).hexdigest()
