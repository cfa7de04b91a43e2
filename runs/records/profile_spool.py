"""The append-only file that every profile reaches first. It lies beside the runs' spools and is none of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engines.contract import as_json
from engines.profile_record import ProfileRecord
from runs.errors import RecordError
from runs.records.profile_records import parse_profile
from runs.records.spool import append_line, prepare_file, whole_lines

FILE = "profiles.ndjson"
"""An experiment's spool ends in .jsonl, whatever the experiment is called."""


@dataclass(frozen=True)
class ProfileSpoolContents:
    """`damaged` are the numbers of lines that are no profiles; they stay in the file, untouched."""

    records: tuple[ProfileRecord, ...]
    damaged: tuple[int, ...] = ()


@dataclass(frozen=True)
class ProfileSpool:
    path: Path

    def prepare(self) -> None:
        """Make the file if need be, and prove that it can be written. Raises SpoolError."""
        prepare_file(self.path)

    def append(self, record: ProfileRecord) -> None:
        """On the disk when it returns. Raises SpoolError, or RecordError for what could not be read again."""
        line = as_json(record).encode()
        parse_profile(line)
        append_line(self.path, line)

    def read(self) -> ProfileSpoolContents:
        """All profiles, the oldest first; a torn last line does not count."""
        found: list[ProfileRecord] = []
        damaged: list[int] = []
        for number, line in enumerate(whole_lines(self.path), start=1):
            try:
                found += [parse_profile(line)] if line.strip() else []
            except RecordError:
                damaged.append(number)
        return ProfileSpoolContents(tuple(found), tuple(damaged))


def profile_spool(folder: Path) -> ProfileSpool:
    return ProfileSpool(folder / FILE)
