"""How long a site takes until its runs are packed, what a run then takes, and whether it may be stopped meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from django.core.management import call_command
from django.db import connection

from tests.load.upgrade import records_digest

BEFORE = "0017_lasted_seconds"
"""The last migration before bodies were packed."""
COLUMNS = ("runs", "bytes a run before", "after", "back, seconds", "forward, seconds", "stopped at", "to the byte")
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Packing:
    runs: int
    bytes_before: float
    bytes_after: float
    back_seconds: float
    seconds: float
    packed_when_stopped: int
    keeps_every_byte: bool

    @property
    def row(self) -> tuple[str, ...]:
        sizes = f"{self.bytes_before:,.0f}", f"{self.bytes_after:,.0f}"
        times = f"{self.back_seconds:.0f}", f"{self.seconds:.0f}"
        kept = "yes" if self.keeps_every_byte else "NO"
        return f"{self.runs:,}", *sizes, *times, f"{self.packed_when_stopped:,} runs", kept


def packed(runs: int, seed: int) -> Packing:
    """Fills the database, unpacks it, packs it again, and stops once in between, as Ctrl-C does.

    Sizes are of the table of runs with its indexes and TOAST, rewritten (`VACUUM FULL`), so that they are those of a
    site that grew that way. On SQLite they are of the whole file.
    """
    call_command("seedruns", runs=runs, seed=seed, verbosity=0)
    before = records_digest()
    start = time.perf_counter()
    call_command("migrate", "runs", BEFORE, verbosity=0)
    back = time.perf_counter() - start
    size = _bytes_of_runs()
    start = time.perf_counter()
    stopped_at = _stopped(runs)
    call_command("migrate", verbosity=0)
    seconds = time.perf_counter() - start
    return Packing(runs, size / runs, _bytes_of_runs() / runs, back, seconds, stopped_at, records_digest() == before)


def _stopped(runs: int) -> int:
    """Interrupts `migrate` when about a third is packed. Returns how many were."""
    migrating = subprocess.Popen([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=_ROOT)
    connection.close()
    while migrating.poll() is None and _packed() < runs / 3:
        time.sleep(0.2)
    migrating.send_signal(signal.SIGINT)
    migrating.wait()
    return _packed()


def _packed() -> int:
    with connection.cursor() as cursor:
        names = {column.name for column in connection.introspection.get_table_description(cursor, "runs_run")}
        if "packed" not in names:
            return 0
        cursor.execute("SELECT count(*) FROM runs_run WHERE packed IS NOT NULL")
        return int(cursor.fetchone()[0])


def _bytes_of_runs() -> int:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM FULL runs_run")
            cursor.execute("SELECT pg_total_relation_size('runs_run')")
        else:
            cursor.execute("VACUUM")
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        return int(cursor.fetchone()[0])
