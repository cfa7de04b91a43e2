"""The index beside a spool: whatever happens to either, it says what the spool says."""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.contract import as_json
from engines.run_record import RunRecord
from runs.records import spool_index
from runs.records.outlines import outline
from runs.records.run_records import parse_record
from runs.records.spool import Spool
from tests.records import make_cell, make_record

RECORDS = [make_record(block=block) for block in range(4)]
OTHER = [make_record(cell=make_cell("jax"), block=block, status="crashed") for block in range(2)]


def line(record: RunRecord) -> bytes:
    return as_json(record).encode() + b"\n"


def revised(record: RunRecord) -> RunRecord:
    conditions = dataclasses.replace(record.conditions, canary_after_gflops=90.0)
    return dataclasses.replace(record, conditions=conditions)


LINES = [*map(line, RECORDS), *map(line, OTHER), *(line(revised(each)) for each in RECORDS), b"{}\n", b"\n", b'{"torn']


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "quick.jsonl")
    made.path.write_bytes(b"".join(LINES[:6]))
    return made


def says_what_the_spool_says(spool: Spool) -> bool:
    read, told = spool.read(), spool.outlines()
    assert told.runs == tuple(map(outline, read.records))
    assert told.damaged == read.damaged
    found = {record.run_id: record for record in spool.records_of([run.run_id for run in told.runs])}
    assert found == {record.run_id: record for record in read.records}
    return True


@given(st.lists(st.lists(st.sampled_from(LINES), max_size=6), max_size=4), st.booleans())
def test_whatever_is_appended_or_written_anew_it_says_what_the_spool_says(
    tmp_path_factory: pytest.TempPathFactory, sittings: list[list[bytes]], anew: bool
) -> None:
    spool = Spool(tmp_path_factory.mktemp("index") / "quick.jsonl")
    assert says_what_the_spool_says(spool)
    for lines in sittings:
        with spool.path.open("wb" if anew else "ab") as file:
            file.writelines(lines)
        assert says_what_the_spool_says(spool)
        spool.prepare()
        assert says_what_the_spool_says(spool)


def test_no_line_is_parsed_twice(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []

    def parse(text: bytes) -> RunRecord:
        parsed.append(text)
        return parse_record(text)

    monkeypatch.setattr(spool_index, "parse_record", parse)
    assert len(spool.outlines().runs) == len(parsed) == 6
    spool.append(revised(RECORDS[0]))
    spool.recent(10)
    assert len(spool.outlines().runs) == 6
    assert len(parsed) == 7


def _spoil(index: Path) -> None:
    index.write_bytes(b"no database" * 100)


def _of_another_layout(index: Path) -> None:
    with sqlite3.connect(index) as connection:
        connection.executescript("DROP TABLE runs; CREATE TABLE runs (name TEXT); PRAGMA user_version = 7;")


def _in_the_way(index: Path) -> None:
    index.unlink()
    index.mkdir()


@pytest.mark.parametrize("happens", [_spoil, _of_another_layout, _in_the_way, Path.unlink])
def test_an_index_that_is_of_no_use_costs_time_alone(spool: Spool, happens: object) -> None:
    spool.outlines()
    assert callable(happens)
    happens(spool.path.with_suffix(".index"))
    assert says_what_the_spool_says(spool)
    assert says_what_the_spool_says(spool)


def test_of_each_cell_the_last_finished_runs_are_recent(spool: Spool) -> None:
    assert [run.block for run in spool.recent(2)] == [3, 2]
    assert len(spool.recent(10)) == 4, "no crashed one"


def test_a_torn_line_longer_than_what_is_looked_at_in_one_go_is_cut_off(spool: Spool) -> None:
    whole = spool.path.read_bytes()
    spool.path.write_bytes(whole + b"x" * 200_000)
    spool.prepare()
    assert spool.path.read_bytes() == whole
    spool.path.write_bytes(b"x" * 200_000)
    spool.prepare()
    assert spool.path.read_bytes() == b""
