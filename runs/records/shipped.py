"""Results that ship with Benchsite: measured elsewhere, kept as files, and never taken for a site's own."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engines.host import PROJECT_ROOT
from engines.run_record import RunRecord
from runs.errors import RecordError
from runs.records.run_records import parse_record

FOLDER = PROJECT_ROOT / "docs" / "results"
SUFFIX = ".jsonl.gz"


@dataclass(frozen=True)
class ShippedResults:
    """One file's records, under experiments of their own: whoever sees one sees where and when it was measured."""

    name: str
    records: Sequence[RunRecord]

    @property
    def began(self) -> Mapping[str, str]:
        """Experiment -> when its first run started, as the records have it."""
        found: dict[str, str] = {}
        for record in self.records:
            name = record.placement.experiment
            found[name] = min(found.get(name, record.started_at), record.started_at)
        return found


def shipped_files() -> list[Path]:
    return sorted(FOLDER.glob(f"*{SUFFIX}"))


def shipped_results(path: Path) -> ShippedResults:
    """Raises RecordError, naming file and line, for what is no run record."""
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    records = [_parsed(path, number, line) for number, line in enumerate(lines, 1)]
    return ShippedResults(path.name.removesuffix(SUFFIX), _renamed(records))


def _parsed(path: Path, number: int, line: str) -> RunRecord:
    try:
        return parse_record(line)
    except RecordError as error:
        raise RecordError(f"{path.name}, line {number}: {error.message}") from None


def _renamed(records: Sequence[RunRecord]) -> list[RunRecord]:
    """`families` of one machine and day becomes `families · cloud-2-cores · 2026-11-29`: its last run's day."""
    last: dict[tuple[str, str], str] = {}
    for record in records:
        key = record.placement.experiment, record.machine.name
        last[key] = max(last.get(key, ""), record.finished_at[:10])
    return [
        replace(record, placement=replace(record.placement, experiment=" · ".join((*key, last[key]))))
        for record in records
        for key in [(record.placement.experiment, record.machine.name)]
    ]
