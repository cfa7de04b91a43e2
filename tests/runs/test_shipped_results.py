"""The results that ship are whole records, each of its own id, that any site takes."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from runs.records.run_records import parse_record

FOLDER = Path(__file__).parents[2] / "docs" / "results"
FILES = sorted(FOLDER.glob("*.jsonl.gz"))


def test_there_are_some_and_each_is_described() -> None:
    described = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert FILES
    assert all(f"`{file.name}`" in described for file in FILES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_record_is_valid_and_there_once(file: Path) -> None:
    records = [parse_record(line) for line in gzip.decompress(file.read_bytes()).decode().splitlines()]
    assert len({record.run_id for record in records}) == len(records) > 0
    assert all(record.cell.workload.dataset.source != "synthetic" for record in records)
