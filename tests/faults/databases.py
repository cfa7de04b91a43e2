"""Faults of the database while runs are stored: kills at every statement, no room, locks, lost connections, rivals."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg2  # type: ignore[import-untyped]
from django.db import OperationalError, connection

from engines.contract import as_json
from engines.run_record import RunRecord
from runs.errors import StorageError
from runs.models import Run
from runs.services import storage
from runs.services.recording import record_runs
from tests.faults.campaign import Kind
from tests.faults.dying import Death, Tell, die, in_a_process
from tests.faults.small_disks import can_mount, nearly_full
from tests.faults.spools import records
from tests.records import make_record

_STATEMENTS = 40
"""More than storing a small batch takes: whoever is not killed by then has stored all."""
_NOTHING = "nothing; the next command stores what is missing"
_ROOM_ENOUGH = "nothing: there was room enough"


def stored(planned: Sequence[RunRecord]) -> list[str]:
    found = Run.objects.filter(run_id__in=[record.run_id for record in planned])
    return sorted(str(run_id) for run_id in found.values_list("run_id", flat=True))


def goes_on(planned: Sequence[RunRecord], told: Sequence[str]) -> None:
    """All or nothing was stored, what was told is, and the same call makes it whole, to the letter."""
    ids = sorted(record.run_id for record in planned)
    found = stored(planned)
    assert set(told) <= set(found), "a run was lost"
    assert found in ([], ids), "a batch was stored in part"
    report = record_runs(records=planned)
    assert sorted((*report.stored, *report.known)) == ids
    assert stored(planned) == ids, "a run is there twice, or not at all"
    for record in planned:
        assert Run.objects.get(run_id=UUID(record.run_id)).record_text == as_json(record)


@contextmanager
def _at_statement(number: int, happen: Callable[[], None]) -> Any:
    """Before the so-manieth statement of this connection if the number is even, else after it."""
    left = (number + 1) // 2

    def wrapper(execute: Any, sql: str, *rest: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0 and number % 2 == 0:
            happen()
        answer = execute(sql, *rest)
        if left == 0 and number % 2:
            happen()
        return answer

    with connection.execute_wrapper(wrapper):
        yield


def _killed_at_a_statement(dice: random.Random, folder: Path) -> str:
    planned, number = records(dice, dice.choice((1, 3, 30))), dice.randint(1, 2 * _STATEMENTS)
    if dice.random() < 0.3:  # into cells that are there
        record_runs(records=planned[:1])
        planned = [
            planned[0],
            *(make_record(experiment=planned[0].placement.experiment, block=50 + at) for at in range(2)),
        ]
        told = _killed(planned, number).told
        assert set(stored(planned)) in ({planned[0].run_id}, {record.run_id for record in planned})
        record_runs(records=planned)
        goes_on(planned, told)
        return _NOTHING
    goes_on(planned, _killed(planned, number).told)
    return _NOTHING


def _killed(planned: Sequence[RunRecord], number: int) -> Death:
    connection.close()  # a connection is one process'

    def action(tell: Tell) -> None:
        with _at_statement(number, die):
            report = record_runs(records=planned)
        for run_id in report.stored:
            tell(run_id)

    return in_a_process(action)


def _two_writers(dice: random.Random, folder: Path) -> str:
    """The same new runs at once, in opposite orders, and runs of the same cells: rivals, and dead-locks."""
    planned = records(dice, 6)
    others = [make_record(experiment=planned[0].placement.experiment, block=90 + at) for at in range(4)]
    failed: list[BaseException] = []
    gate = threading.Barrier(2)

    def write(mine: Sequence[RunRecord]) -> None:
        try:
            gate.wait()
            storage.store(mine)
        except BaseException as error:  # told to the test
            failed.append(error)
        finally:
            connection.close()

    pair = [planned + others[:2], [*reversed(planned), *others[2:]]]
    threads = [threading.Thread(target=write, args=(mine,)) for mine in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed
    goes_on([*planned, *others], [record.run_id for record in planned])
    return "nothing; both store, each run once"


# ---------------------------------------------------------------- SQLite


def _no_room(dice: random.Random, folder: Path) -> str:
    planned = records(dice, 30)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        (pages,) = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages + dice.randint(0, 8)}")
    seen = _refused(planned)
    connection.close()  # and with it its limit
    goes_on(planned, [])
    return seen


def _locked(dice: random.Random, folder: Path) -> str:
    """Another program holds the database and does not let go in time."""
    planned = records(dice, 2)
    options = connection.settings_dict["OPTIONS"]
    kept, path = options.get("timeout"), connection.settings_dict["NAME"]
    connection.close()
    options["timeout"] = 0.02
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        seen = _refused(planned)
        other.rollback()
    connection.close()
    options["timeout"] = kept
    goes_on(planned, [])
    return seen


def _refused(planned: Sequence[RunRecord]) -> str:
    try:
        storage.store(planned)
    except StorageError as error:
        return str(error)
    return _ROOM_ENOUGH


# ---------------------------------------------------------------- PostgreSQL


def _no_room_for_its_tables(dice: random.Random, folder: Path) -> str:
    """The disk of the runs' table has a few pages left; the operator makes room."""
    planned = records(dice, 100)
    with nearly_full(Run._meta.db_table, dice.randint(0, 4)) as make_room:
        seen = _refused(planned)
        assert seen != _ROOM_ENOUGH
        make_room()
        goes_on(planned, [])
    return seen.partition(" DETAIL")[0]


def _connection_lost(dice: random.Random, folder: Path) -> str:
    """The server ends the connection at some statement: it restarts, or its operator asked for it."""
    planned, number = records(dice, dice.choice((1, 3, 30))), dice.randint(1, _STATEMENTS)
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid

    def end() -> None:
        with closing(psycopg2.connect(connection.connection.dsn)) as other, other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    seen = "nothing: it was over by then"
    try:
        with _at_statement(number, end):
            storage.store(planned)
    except StorageError as error:
        seen = "The database cannot be written: " + str(error).partition("written: ")[2]
    except OperationalError as error:
        seen = str(error)
        raise
    finally:
        connection.close()
    goes_on(planned, [])
    return seen


_EVERYWHERE = (
    Kind("database", "killed before or after any statement that stores a batch", _killed_at_a_statement, 120),
    Kind("database", "two writers of the same runs and cells at once", _two_writers, 30),
)
_OF_SQLITE = (
    Kind("database", "its disk is full", _no_room, 30),
    Kind("database", "another program holds it", _locked, 20),
)
_OF_POSTGRESQL = (
    Kind("database", "it ends the connection at any statement, as a restart does", _connection_lost, 50),
    *([Kind("database", "its disk is full", _no_room_for_its_tables, 30)] if can_mount() else []),
)
KINDS = _EVERYWHERE + (_OF_POSTGRESQL if os.environ.get("DATABASE_URL", "").startswith("postgres") else _OF_SQLITE)
