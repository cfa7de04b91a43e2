"""One database, named by the environment: fills it, starts the site on it, measures and prints."""

from __future__ import annotations

import argparse
import contextlib
import io
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection

from runs.models import Run, Summary
from runs.services.tokens import make_token
from tests.load import addresses, long_history, packing, stages, tables
from tests.load.hot_cells import hot_cells, row_of
from tests.load.reads import ReadTimes, read_times
from tests.load.servers import Server, load_average, site
from tests.load.upgrade import upgraded
from tests.load.uploads import upload_rates

SEED = 1
UPGRADE_COLUMNS = ("runs", "seconds", "every record to the byte")
HOT_COLUMNS = ("runs in the cell", "ms, median", "times the first")


def measure(asked: argparse.Namespace) -> None:
    _prepare()
    say(f"\n## {_database_words()}\n\n{_machine_words()}\n")
    if "uploads" in asked.parts:
        with site() as server:
            _uploads(server, asked, "into an empty database")
        call_command("flush", interactive=False, verbosity=0)
        call_command("loadstudy", verbosity=0)
    if "stages" in asked.parts:
        say(f"### Where an upload's time goes\n\n{tables.table(stages.COLUMNS, stages.stages(SEED))}\n")
        say(f"One by one:\n\n{tables.table(stages.COLUMNS, stages.one_by_one(SEED + 1))}\n")
        call_command("flush", interactive=False, verbosity=0)
        call_command("loadstudy", verbosity=0)
    if "hot-cells" in asked.parts:
        with site() as server:
            _hot_cells(server, asked)
        call_command("flush", interactive=False, verbosity=0)
        call_command("loadstudy", verbosity=0)
    if "upgrade" in asked.parts:
        say(f"### Upgrading\n\n{tables.table(UPGRADE_COLUMNS, [upgraded(asked.upgrade, SEED).row])}\n")
        call_command("flush", interactive=False, verbosity=0)
        call_command("loadstudy", verbosity=0)
    if "packing" in asked.parts:
        say(f"### Packing\n\n{tables.table(packing.COLUMNS, [packing.packed(asked.packing, SEED).row])}\n")
        call_command("flush", interactive=False, verbosity=0)
        call_command("loadstudy", verbosity=0)
    if "reads" in asked.parts:
        _reads(asked)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _prepare() -> None:
    call_command("migrate", verbosity=0)
    call_command("loadstudy", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def _database_words() -> str:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT sqlite_version()")
            return f"SQLite {cursor.fetchone()[0]}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('fsync')")
        version, fsync = cursor.fetchone()
        cursor.execute("SHOW synchronous_commit")
        return f"PostgreSQL {version.split()[0]} (fsync {fsync}, synchronous_commit {cursor.fetchone()[0]})"


def _machine_words() -> str:
    info = Path("/proc/cpuinfo").read_text()
    names = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    memory = Path("/proc/meminfo").read_text().split()[1]
    return (
        f"{len(names)} x {names[0]}, {int(memory) / 2**20:.0f} GiB of memory, "
        f"Python {platform.python_version()}, load average before {load_average():.1f}"
    )


def _uploads(server: Server, asked: argparse.Namespace, where: str) -> None:
    user = User.objects.create_user(f"loader-{time.time_ns()}")
    _, secret = make_token(user=user, name="load", can_upload=True)
    rates = list(upload_rates(server, secret, asked.seconds, asked.batches))
    say(f"### Uploads {where}\n\n{tables.upload_table(rates)}\n\n{tables.memory_line(server.worker_rss_bytes())}\n")


def _hot_cells(server: Server, asked: argparse.Namespace) -> None:
    """The cells belong to nobody, so that staff uploads into them."""
    user = User.objects.create_user(f"loader-{time.time_ns()}", is_staff=True)
    _, secret = make_token(user=user, name="load", can_upload=True)
    cells = hot_cells(server, secret, asked.rounds)
    rows = [row_of(cell, cells[0]) for cell in cells]
    say(f"### One more run in a cell of many\n\n{tables.table(HOT_COLUMNS, rows)}\n")


def _reads(asked: argparse.Namespace) -> None:
    found: dict[int, list[ReadTimes]] = {}
    for size in sorted(asked.sizes):
        _seed(size)
        with site() as server:
            wanted = {**addresses.pages(), **addresses.api_reads(), **long_history.addresses()}
            found[size] = read_times(server, wanted, asked.rounds, asked.read_seconds)
            say(f"{tables.memory_line(server.worker_rss_bytes())} after reads; load average {load_average():.1f}")
            say(_look_words(size))
            if size == max(asked.sizes) and "uploads" in asked.parts:
                say(f"\n### Reads\n\n{tables.read_table(found)}\n")
                _uploads(server, asked, f"beside {size:,} runs")
                return
    say(f"\n### Reads\n\n{tables.read_table(found)}\n")


def _look_words(size: int) -> str:
    """How long `regressions` takes: every series of every machine that has any."""
    begun = time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()):
        call_command("regressions", stdout=io.StringIO())
    return f"`regressions` beside {size:,} runs: {time.perf_counter() - begun:.1f} s\n"


def _seed(size: int) -> None:
    long_history.store()  # first, lest a night of three runs be the newest experiment, which pages show
    took = _timed(lambda: call_command("seedruns", runs=size, seed=SEED))
    settle = _timed(_settle)
    say(
        f"{size:,} runs and {Summary.objects.count():,} cells are there after {took:.0f} s of seedruns, "
        f"and {settle:.0f} s of VACUUM ANALYZE; {_size_bytes() / 2**20:,.0f} MiB."
    )
    assert Run.objects.count() == size + 3 * long_history.EXPERIMENTS


def _timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def _settle() -> None:
    """What a database does by itself within some minutes."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")
        else:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _size_bytes() -> int:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
        else:
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        return int(cursor.fetchone()[0])
