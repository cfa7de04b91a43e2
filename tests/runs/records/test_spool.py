"""The append-only file: what is in it is never lost, and what is torn or damaged never counts."""

from __future__ import annotations

import dataclasses
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.contract import as_json
from engines.host import PROJECT_ROOT
from engines.run_record import RunRecord
from runs.errors import RecordError, SpoolError
from runs.records.lock import sole_measurer
from runs.records.spool import Spool, all_spools, experiment_name, spool_for
from tests.records import make_record

RECORDS = [make_record(block=block) for block in range(4)]
NEW = make_record(block=4)
TEXT = "".join(as_json(record) + "\n" for record in RECORDS).encode()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool" / "quick.jsonl")


def filled(spool: Spool, content: bytes = TEXT) -> Spool:
    spool.path.parent.mkdir(parents=True, exist_ok=True)
    spool.path.write_bytes(content)
    return spool


def test_what_is_appended_is_read_in_its_order(spool: Spool) -> None:
    spool.prepare()
    for record in RECORDS:
        spool.append(record)
    assert spool.read().records == tuple(RECORDS)
    assert spool.path.read_bytes() == TEXT


def revised(record: RunRecord) -> RunRecord:
    conditions = dataclasses.replace(record.conditions, canary_after_gflops=90.0)
    return dataclasses.replace(record, conditions=conditions)


def test_of_a_run_that_stands_twice_the_later_line_counts_in_the_first_one_s_place(spool: Spool) -> None:
    filled(spool)
    spool.append(revised(RECORDS[1]))
    assert spool.read().records == (RECORDS[0], revised(RECORDS[1]), *RECORDS[2:])


@given(st.data())
def test_wherever_a_block_s_end_was_torn_each_run_stands_once_as_it_was_last_written(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    end = "".join(as_json(revised(record)) + "\n" for record in RECORDS).encode()
    torn = end[: data.draw(st.integers(0, len(end)))]
    spool = filled(Spool(tmp_path_factory.mktemp("torn") / "spool.jsonl"), TEXT + torn)
    whole = torn.count(b"\n")
    assert spool.read().records == (*map(revised, RECORDS[:whole]), *RECORDS[whole:])


def test_a_revision_that_is_damaged_leaves_the_run_as_it_was(spool: Spool) -> None:
    filled(spool, TEXT + b'{"run_id": 7}\n')
    assert spool.read().records == tuple(RECORDS)
    assert spool.read().damaged == (5,)


def test_a_spool_that_is_not_there_is_empty(spool: Spool) -> None:
    assert spool.read().records == ()
    assert not spool.path.exists()


def test_a_torn_last_line_is_dropped(spool: Spool) -> None:
    filled(spool, TEXT[:-5])
    assert spool.read().records == tuple(RECORDS[:3])
    assert spool.read().damaged == ()


@given(st.integers(0, len(TEXT)))
def test_wherever_a_write_was_torn_the_whole_lines_before_it_stay(
    tmp_path_factory: pytest.TempPathFactory, length: int
) -> None:
    spool = filled(Spool(tmp_path_factory.mktemp("torn") / "spool.jsonl"), TEXT[:length])
    whole = TEXT[:length].count(b"\n")
    assert spool.read().records == tuple(RECORDS[:whole])
    spool.prepare()
    spool.append(NEW)
    assert spool.read().records == (*RECORDS[:whole], NEW)
    assert spool.read().damaged == ()


def test_preparing_cuts_off_a_torn_line_and_nothing_else(spool: Spool) -> None:
    filled(spool, TEXT + b'{"run_id": "unfin')
    spool.prepare()
    assert spool.path.read_bytes() == TEXT
    spool.prepare()
    assert spool.path.read_bytes() == TEXT


def test_a_damaged_line_is_named_by_its_number_and_left_as_it_is(spool: Spool) -> None:
    lines = TEXT.split(b"\n")
    lines[1:2] = [b'{"run_id": 7}', b"", b"\0\0\0\0"]
    filled(spool, b"\n".join(lines))
    contents = spool.read()
    assert contents.records == (RECORDS[0], *RECORDS[2:])
    assert contents.damaged == (2, 4)
    spool.prepare()
    assert spool.path.read_bytes() == b"\n".join(lines)


def test_a_record_that_could_not_be_read_again_is_not_written(spool: Spool) -> None:
    filled(spool)
    unreadable = dataclasses.replace(RECORDS[0], run_id="short")
    with pytest.raises(RecordError, match="run_id"):
        spool.append(unreadable)
    assert spool.path.read_bytes() == TEXT


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_told_in_words() -> None:
    with pytest.raises(SpoolError, match="The disk is full: /dev/full cannot grow"):
        Spool(Path("/dev/full")).append(RECORDS[0])


def test_a_disk_that_fills_up_in_mid_line_loses_that_line_alone(spool: Spool) -> None:
    """A file-size limit stands for the end of the disk: the system writes what fits, then refuses."""
    filled(spool)
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from runs.errors import SpoolError\n"
        "from runs.records.spool import Spool\n"
        "from tests.runs.records.test_spool import RECORDS\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))\n"
        "try:\n"
        "    Spool(Path(sys.argv[1])).append(RECORDS[3])\n"
        "except SpoolError as error:\n"
        "    print(error)\n"
    )
    command = [sys.executable, "-c", code, str(spool.path), str(len(TEXT) + 100)]
    answer = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert "cannot be written: File too large." in answer.stdout
    assert len(spool.path.read_bytes()) == len(TEXT) + 100
    assert spool.read().records == tuple(RECORDS)
    spool.prepare()
    assert spool.path.read_bytes() == TEXT


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_found_full_only_when_flushed_is_told_too(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(SpoolError, match="The disk is full"):
        filled(spool).append(RECORDS[0])


def test_a_folder_that_cannot_be_made_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    spool = Spool(tmp_path / "file" / "quick.jsonl")
    with pytest.raises(SpoolError, match="cannot be written"):
        spool.prepare()
    with pytest.raises(SpoolError, match="cannot be read: Not a directory"):
        spool.read()
    with pytest.raises(SpoolError, match="cannot be used"), sole_measurer(tmp_path / "file"):
        raise AssertionError("no lock was there to be had")


def test_a_spool_that_is_a_folder_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="Is a directory"):
        Spool(tmp_path).read()


def test_an_experiment_s_file_is_named_after_it(tmp_path: Path) -> None:
    assert spool_for(tmp_path, "Lab, November").path == tmp_path / "lab-november.jsonl"
    assert spool_for(tmp_path, "研究").path == tmp_path / "experiment.jsonl"


def test_a_fresh_experiment_has_the_first_free_number(tmp_path: Path) -> None:
    names = []
    for _ in range(3):
        names.append(experiment_name("quick", tmp_path, fresh=True))
        spool_for(tmp_path, names[-1]).prepare()
    assert names == ["quick", "quick 2", "quick 3"]
    assert experiment_name("quick", tmp_path, fresh=False) == "quick"


@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
def test_a_name_that_no_record_can_bear_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpoolError, match="1 to 100 characters"):
        experiment_name(name, tmp_path, fresh=False)


def test_all_spools_are_found(tmp_path: Path) -> None:
    for name in ("b", "a"):
        spool_for(tmp_path, name).prepare()
    (tmp_path / ".lock").touch()
    assert [spool.path.name for spool in all_spools(tmp_path)] == ["a.jsonl", "b.jsonl"]
