"""The append-only file that every run reaches first: one JSON record a line, one file an experiment.

What is in the spool is never lost: each line is on the disk before the next run starts. Resuming reads it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO

from django.utils.text import slugify

from engines.contract import as_json
from engines.run_record import RunRecord
from runs.errors import RecordError, SpoolError
from runs.records import spool_index
from runs.records.outlines import Outline
from runs.records.run_records import parse_record
from runs.records.spool_index import Outlines

_TAIL_BYTES = 1 << 16


@dataclass(frozen=True)
class SpoolContents:
    """`damaged` are the numbers of lines that are no records; they stay in the file, untouched."""

    records: tuple[RunRecord, ...]
    damaged: tuple[int, ...] = ()


@dataclass(frozen=True)
class Spool:
    path: Path

    def read(self) -> SpoolContents:
        """All records; a torn last line (the machine went down in mid-write) does not count.

        Where a run stands twice, the later line counts: the end of a block may add to what its runs were recorded with.
        """
        records: dict[str, RunRecord] = {}
        damaged: list[int] = []
        for number, line in enumerate(whole_lines(self.path), start=1):
            try:
                records.update({record.run_id: record for record in _records_in(line)})
            except RecordError:
                damaged.append(number)
        return SpoolContents(tuple(records.values()), tuple(damaged))

    def outlines(self) -> Outlines:
        """Of all that `read` has, without parsing again what was parsed before."""
        return spool_index.outlines(self.path)

    def recent(self, runs_of_a_cell: int) -> list[Outline]:
        """Of each cell its last finished runs."""
        return spool_index.recent(self.path, runs_of_a_cell)

    def records_of(self, run_ids: Sequence[str]) -> list[RunRecord]:
        return spool_index.records(self.path, run_ids)

    def append(self, record: RunRecord) -> None:
        """On the disk when it returns. Raises SpoolError if the disk is full or the file cannot be written.

        Raises RecordError for what could not be read again, which every resumed sitting would run once more.
        """
        line = as_json(record).encode()
        parse_record(line)
        append_line(self.path, line)

    def prepare(self) -> None:
        """Make the file if need be, cut off a torn last line, and prove that it can be written."""
        prepare_file(self.path)


def whole_lines(path: Path) -> list[bytes]:
    """Without a torn last one. Raises SpoolError."""
    try:
        *lines, _torn = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SpoolError(f"The spool {path} cannot be read: {error.strerror}.") from None
    return lines


def append_line(path: Path, line: bytes) -> None:
    """On the disk when it returns. Raises SpoolError."""
    try:
        with path.open("ab") as file:
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _spool_error(path, error) from None


def prepare_file(path: Path) -> None:
    """Make it if need be and cut off a torn last line. Raises SpoolError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            file.truncate(_end_of_whole_lines(file))
    except OSError as error:
        raise _spool_error(path, error) from None


def _end_of_whole_lines(file: BinaryIO) -> int:
    """Looked for from the end: the file may be larger than the memory."""
    start = file.seek(0, os.SEEK_END)
    while start:
        end, start = start, max(0, start - _TAIL_BYTES)
        file.seek(start)
        newline = file.read(end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
    return 0


def _records_in(line: bytes) -> list[RunRecord]:
    return [parse_record(line)] if line.strip() else []


def _spool_error(path: Path, error: OSError) -> SpoolError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SpoolError(
            f"The disk is full: {path} cannot grow. Free some space, then give the same command again; it continues "
            "where it stopped."
        )
    return SpoolError(f"The spool {path} cannot be written: {error.strerror}.")


def spool_for(folder: Path, experiment: str) -> Spool:
    return Spool(folder / f"{slugify(experiment) or 'experiment'}.jsonl")


def experiment_name(name: str, folder: Path, *, fresh: bool) -> str:
    """The name itself, to go on with it; if `fresh`, the first of 'name', 'name 2', 'name 3' … without a spool yet.

    Raises SpoolError for a name that is empty or over 100 characters.
    """
    candidates = (name if number == 1 else f"{name} {number}" for number in count(1))
    chosen = next(each for each in candidates if not (fresh and spool_for(folder, each).path.exists()))
    if not 1 <= len(chosen.strip()) <= len(chosen) <= 100:
        raise SpoolError(f"An experiment's name has 1 to 100 characters, not {len(chosen.strip())}: {chosen!r}.")
    return chosen


def all_spools(folder: Path) -> list[Spool]:
    return [Spool(path) for path in sorted(folder.glob("*.jsonl"))]
