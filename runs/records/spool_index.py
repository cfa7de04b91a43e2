"""Where each run stands in a spool, with its outline: a file beside it, so that no line is parsed twice.

It is made again where it does not fit, and can be deleted at any time. Where it cannot be written, all is parsed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from engines.contract import Cell, as_json
from engines.run_record import SCHEMA_VERSION, RunRecord
from runs.errors import RecordError, SpoolError
from runs.records.outlines import Outline, outline
from runs.records.run_records import parse_record
from runs.validation import from_json

_LAYOUT = 100 + SCHEMA_VERSION
"""Of the tables, and of the records in them: an index of another layout is made again."""
_WAIT_SECONDS = 30.0
_ASKED_AT_ONCE = 500
_FIELDS = Outline._fields
_TABLES = f"""
CREATE TABLE IF NOT EXISTS read (bytes INTEGER, lines INTEGER, last_start INTEGER, last_sha256 TEXT);
CREATE TABLE IF NOT EXISTS damaged (line INTEGER);
CREATE TABLE IF NOT EXISTS cells (id INTEGER PRIMARY KEY, text TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS runs (
    place INTEGER PRIMARY KEY, start INTEGER, bytes INTEGER, {", ".join(_FIELDS)}, UNIQUE (run_id)
);
CREATE INDEX IF NOT EXISTS finished_by_cell ON runs (cell, place DESC) WHERE status = 'finished';
"""
_NAMES = ("read", "damaged", "cells", "runs")
_OUTLINE = ", ".join(_FIELDS)
_KEEP = f"""
INSERT INTO runs (start, bytes, {_OUTLINE}) VALUES (?, ?, {", ".join("?" * len(_FIELDS))})
ON CONFLICT (run_id) DO UPDATE SET start = excluded.start, bytes = excluded.bytes,
    {", ".join(f"{name} = excluded.{name}" for name in _FIELDS)}
"""  # noqa: S608
_RECENT = f"SELECT {_OUTLINE} FROM runs WHERE cell = ? AND status = 'finished' ORDER BY place DESC LIMIT ?"  # noqa: S608


@dataclass(frozen=True)
class Outlines:
    """In the order of their first lines. `damaged` are the numbers of lines that are no records."""

    runs: tuple[Outline, ...]
    damaged: tuple[int, ...] = ()


def outlines(path: Path) -> Outlines:
    """Of all runs. Raises SpoolError."""
    with _index(path) as index:
        found = tuple(_outlines(index, index.execute(f"SELECT {_OUTLINE} FROM runs ORDER BY place")))  # noqa: S608
        return Outlines(found, tuple(line for (line,) in index.execute("SELECT line FROM damaged ORDER BY line")))


def recent(path: Path, runs_of_a_cell: int) -> list[Outline]:
    """Of each cell its last finished runs, the newest first. Raises SpoolError."""
    with _index(path) as index:
        cells = index.execute("SELECT id FROM cells ORDER BY id").fetchall()
        rows = (row for (cell,) in cells for row in index.execute(_RECENT, (cell, runs_of_a_cell)))
        return list(_outlines(index, rows))


def records(path: Path, run_ids: Sequence[str]) -> list[RunRecord]:
    """Of these runs, as the spool has them last. Raises SpoolError."""
    parts = [run_ids[start : start + _ASKED_AT_ONCE] for start in range(0, len(run_ids), _ASKED_AT_ONCE)]
    if not parts:
        return []
    with _index(path) as index:
        places = sorted(place for part in parts for place in _places(index, part))
    try:
        with path.open("rb") as spool:
            return [parse_record(_line(spool, *place)) for place in places]
    except OSError as error:
        raise _unreadable(path, error) from None


def _places(index: sqlite3.Connection, run_ids: Sequence[str]) -> list[tuple[int, int]]:
    marks = ", ".join("?" * len(run_ids))
    return index.execute(f"SELECT start, bytes FROM runs WHERE run_id IN ({marks})", run_ids).fetchall()  # noqa: S608


def _line(spool: BinaryIO, start: int, length: int) -> bytes:
    spool.seek(start)
    return spool.read(length)


def _outlines(index: sqlite3.Connection, rows: Iterable[tuple[Any, ...]]) -> Iterator[Outline]:
    cells = {number: from_json(Cell, text) for number, text in index.execute("SELECT id, text FROM cells")}
    place = _FIELDS.index("cell")
    for row in rows:
        yield Outline._make((*row[:place], cells[row[place]], *row[place + 1 :]))


# ---------------------------------------------------------------- keeping it


@contextmanager
def _index(path: Path) -> Iterator[sqlite3.Connection]:
    """Up to date with the spool."""
    with closing(_opened(path)) as index:
        yield index


def _opened(path: Path) -> sqlite3.Connection:
    """The file, made again where it is damaged; in memory where there is no place for it on the disk."""
    file = path.with_suffix(".index")
    try:
        return _connected(file, path)
    except sqlite3.OperationalError:
        return _connected(":memory:", path)
    except sqlite3.DatabaseError:
        file.unlink(missing_ok=True)
        return _connected(file, path)


def _connected(file: Path | str, path: Path) -> sqlite3.Connection:
    index = sqlite3.connect(file if path.exists() else ":memory:", timeout=_WAIT_SECONDS, isolation_level=None)
    try:
        _bring_up_to_date(index, path)
    except BaseException:
        index.close()
        raise
    return index


def _bring_up_to_date(index: sqlite3.Connection, path: Path) -> None:
    try:
        index.execute("PRAGMA synchronous = OFF")  # what is lost with the machine is made again
        index.execute("BEGIN IMMEDIATE")
        _make_tables(index)
        if path.exists():
            with path.open("rb") as spool:
                _read_on(index, spool)
        index.execute("COMMIT")
    except OSError as error:
        raise _unreadable(path, error) from None


def _make_tables(index: sqlite3.Connection) -> None:
    ((layout,),) = index.execute("PRAGMA user_version")
    if layout != _LAYOUT:
        for table in _NAMES:
            index.execute(f"DROP TABLE IF EXISTS {table}")
        index.execute(f"PRAGMA user_version = {_LAYOUT}")
    for statement in _TABLES.split(";"):
        index.execute(statement)


def _read_on(index: sqlite3.Connection, spool: BinaryIO) -> None:
    """From where the last reading ended to the last whole line."""
    begun, lines = _read_so_far(index, spool)
    start, last = begun, b""
    cells = dict(index.execute("SELECT text, id FROM cells"))
    spool.seek(start)
    for text in spool:
        if not text.endswith(b"\n"):
            break
        lines += 1
        _keep(index, cells, text, start, lines)
        start, last = start + len(text), text
    if start > begun:
        index.execute("DELETE FROM read")
        about = (start, lines, start - len(last), sha256(last).hexdigest())
        index.execute("INSERT INTO read VALUES (?, ?, ?, ?)", about)


def _read_so_far(index: sqlite3.Connection, spool: BinaryIO) -> tuple[int, int]:
    """Bytes and lines; none where the spool is not the one that was read: then all of it is read again."""
    row = index.execute("SELECT * FROM read").fetchone()
    if row:
        size, lines, last_start, digest = row
        if sha256(_line(spool, last_start, size - last_start)).hexdigest() == digest:
            return size, lines
    for table in _NAMES:
        index.execute(f"DELETE FROM {table}")  # noqa: S608
    return 0, 0


def _keep(index: sqlite3.Connection, cells: dict[str, int], text: bytes, start: int, number: int) -> None:
    if not text.strip():
        return
    try:
        found = outline(parse_record(text))
    except RecordError:
        index.execute("INSERT INTO damaged VALUES (?)", (number,))
        return
    cell = as_json(found.cell)
    if cell not in cells:
        cells[cell] = index.execute("INSERT INTO cells (text) VALUES (?) RETURNING id", (cell,)).fetchone()[0]
    index.execute(_KEEP, (start, len(text), *found._replace(cell=cells[cell])))  # type: ignore[arg-type]


def _unreadable(path: Path, error: OSError) -> SpoolError:
    return SpoolError(f"The spool {path} cannot be read: {error.strerror}.")
