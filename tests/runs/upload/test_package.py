"""What a spool has for a server, and the notes of what the server said: nothing too early, nothing twice."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from engines.contract import Network, as_json
from engines.host import PROJECT_ROOT
from engines.run_record import RunRecord
from runs.errors import SpoolError
from runs.records.lock import is_measuring, sole_measurer
from runs.upload.access import Server
from runs.upload.answers import Reason, Result
from runs.upload.notes import Refusal, Standing, notes_beside
from runs.upload.package import Package, pack
from runs.upload.pending import Line, digest_of, offered, texts_of
from tests.records import make_record
from tests.runs.upload.uploading import write_spool

HERE = Server("http://127.0.0.1:1", is_loopback=True)
THERE = Server("https://bench.example.org")
STORED, KNOWN = Result("stored"), Result("known")
REFUSED = Result("refused", reasons=(Reason("forbidden", "Another's."), Reason("invalid", "Wrong.")))


def ids(lines: Sequence[Line | RunRecord]) -> list[str]:
    return [each.run_id for each in lines]


def revised(record: RunRecord) -> RunRecord:
    """As the end of its block leaves it."""
    return dataclasses.replace(record, conditions=dataclasses.replace(record.conditions, canary_after_gflops=90.0))


def settled(package: Package, *results: Result) -> None:
    batch = package.waiting[: len(results)]
    named = [dataclasses.replace(result, run_id=line.run_id) for line, result in zip(batch, results, strict=True)]
    package.settle(batch, named)


# ---------------------------------------------------------------- what a spool offers


def test_every_run_is_offered_as_its_line_stands(tmp_path: Path) -> None:
    records = [make_record(block=block) for block in range(3)]
    path = write_spool(tmp_path, *records)
    lines = offered(path, {}).lines
    assert ids(lines) == ids(records)
    assert list(texts_of(path, lines)) == [as_json(record).encode() for record in records]
    assert {(line.experiment, line.machine) for line in lines} == {("quick", "lab-1")}


def test_the_later_line_of_a_run_counts(tmp_path: Path) -> None:
    first, second = make_record(), make_record()
    path = write_spool(tmp_path, first, second, revised(first))
    lines = {line.run_id: line for line in offered(path, {}).lines}
    assert list(texts_of(path, [lines[first.run_id]])) == [as_json(revised(first)).encode()]
    assert len(lines) == 2


def test_a_torn_last_line_is_not_offered_and_not_damaged(tmp_path: Path) -> None:
    record = make_record()
    path = write_spool(tmp_path, record)
    with path.open("ab") as file:
        file.write(as_json(make_record()).encode()[:300])
    offer = offered(path, {})
    assert (ids(offer.lines), offer.damaged) == ([record.run_id], ())


@pytest.mark.parametrize("line", ["{", "[]", "null", '{"run_id": []}', '{"run_id": "a"}', "\x00", '"text"'])
def test_what_is_no_record_is_told_by_its_number_and_hides_no_earlier_line(tmp_path: Path, line: str) -> None:
    record = make_record()
    path = write_spool(tmp_path, record)
    with path.open("a") as file:
        file.write(f"\n{line}\n{as_json(record).replace('finished', 'finishe', 1)}\n")
    offer = offered(path, {})
    assert (ids(offer.lines), offer.damaged) == ([record.run_id], (3, 4))
    assert list(texts_of(path, offer.lines)) == [as_json(record).encode()]


def test_a_spool_that_cannot_be_read_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="cannot be read: No such file"):
        offered(tmp_path / "quick.jsonl", {})


def test_a_file_that_changed_after_it_was_read_is_not_sent(tmp_path: Path) -> None:
    path = write_spool(tmp_path, make_record())
    lines = offered(path, {}).lines
    path.write_bytes(path.read_bytes().replace(b"0.25", b"0.24"))
    with pytest.raises(SpoolError, match="changed by hand"):
        list(texts_of(path, lines))


# ---------------------------------------------------------------- a block that may still change


def two_blocks() -> tuple[list[RunRecord], list[RunRecord]]:
    """The same block number of two groups: the first is over, the second is being run."""
    over = [make_record(engine) for engine in ("tensorflow", "theano")]
    return over, [make_record("theano", Network("mlp", 8, 50))]


def test_the_last_block_waits_while_runbench_is_at_it(tmp_path: Path) -> None:
    over, running = two_blocks()
    path = write_spool(tmp_path, *over, *running)
    with sole_measurer(tmp_path):
        offer = offered(path, {})
        assert (ids(offer.lines), ids(offer.unfinished)) == (ids(over), ids(running))
        write_spool(tmp_path, revised(running[0]))
        assert ids(offered(path, {}).unfinished) == ids(running), "not each record of the block may be revised yet"
    offer = offered(path, {})
    assert (ids(offer.lines), offer.unfinished) == (ids([*over, *running]), ())
    assert list(texts_of(path, offer.lines[2:])) == [as_json(revised(running[0])).encode()]


def test_a_block_that_an_earlier_sitting_left_unfinished_is_offered_beside_a_live_one(tmp_path: Path) -> None:
    left, running = make_record(), make_record()
    running = dataclasses.replace(running, placement=dataclasses.replace(running.placement, session="new"))
    path = write_spool(tmp_path, left, running)
    with sole_measurer(tmp_path):
        assert ids(offered(path, {}).lines) == ids([left])


def test_what_grew_while_it_was_read_may_still_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runbench that came and went between reading and asking for the lock."""
    over, running = two_blocks()
    path = write_spool(tmp_path, *over, *running)

    def grow(folder: Path) -> bool:
        write_spool(tmp_path, revised(running[0]))
        return False

    monkeypatch.setattr("runs.upload.pending.is_measuring", grow)
    offer = offered(path, {})
    assert (ids(offer.lines), ids(offer.unfinished)) == (ids(over), ids(running))


def test_asking_for_the_lock_neither_makes_nor_keeps_it(tmp_path: Path) -> None:
    assert not is_measuring(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with sole_measurer(tmp_path):
        assert is_measuring(tmp_path)
    assert not is_measuring(tmp_path)
    with sole_measurer(tmp_path):
        pass


# ---------------------------------------------------------------- notes


def test_what_was_confirmed_is_not_offered_again_to_that_server(tmp_path: Path) -> None:
    path = write_spool(tmp_path, *(make_record(block=block) for block in range(3)))
    settled(pack(path, HERE), STORED, KNOWN)
    again = pack(path, HERE)
    assert (len(again.waiting), again.confirmed_before) == (1, 2)
    assert len(pack(path, THERE).waiting) == 3


def test_a_run_whose_content_changed_is_offered_again(tmp_path: Path) -> None:
    record = make_record()
    path = write_spool(tmp_path, record)
    settled(pack(path, HERE), STORED)
    write_spool(tmp_path, revised(record))
    assert ids(pack(path, HERE).waiting) == [record.run_id]


def test_refused_runs_are_kept_with_their_reasons_until_they_are_asked_for(tmp_path: Path) -> None:
    record = make_record()
    path = write_spool(tmp_path, record)
    settled(pack(path, HERE), REFUSED)
    later = pack(path, HERE)
    assert later.waiting == []
    assert later.count.refused == 1
    assert later.refusals[record.run_id].reason == "Another's.; Wrong."
    again = pack(path, HERE, retry_refused=True)
    settled(again, STORED)
    assert pack(path, HERE).count.refused == 0
    assert notes_beside(path).of(HERE).refused == {}


def test_a_refused_run_with_other_content_is_another_try(tmp_path: Path) -> None:
    record = make_record()
    path = write_spool(tmp_path, record)
    settled(pack(path, HERE), REFUSED)
    write_spool(tmp_path, revised(record))
    assert ids(pack(path, HERE).waiting) == [record.run_id]


def test_one_experiment_is_chosen_by_name(tmp_path: Path) -> None:
    wanted = make_record(experiment="Quick!")
    path = write_spool(tmp_path, make_record(), wanted)
    assert ids(pack(path, HERE, experiment="Quick!").waiting) == [wanted.run_id]


def test_two_uploads_add_to_one_file_and_lose_nothing(tmp_path: Path) -> None:
    notes = notes_beside(tmp_path / "quick.jsonl")
    script = (
        "import sys; from pathlib import Path; from runs.upload.access import Server; "
        "from runs.upload.notes import Notes; notes = Notes(Path(sys.argv[1])); "
        "[notes.add(Server(sys.argv[2]), {f'{sys.argv[3]}-{n}': 'd'}, {}) for n in range(25)]"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(notes.path), HERE.address, name], cwd=PROJECT_ROOT)
        for name in ("a", "b")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert len(notes.of(HERE).confirmed) == 50


def test_a_disk_that_is_full_leaves_the_old_notes_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = notes_beside(tmp_path / "quick.jsonl")
    notes.add(HERE, {"a": "d"}, {})
    before = notes.path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(SpoolError, match="The disk is full"):
            notes.add(HERE, {"b": "d"}, {})
    assert notes.path.read_bytes() == before
    assert [path.name for path in tmp_path.glob("*draft*")] == []
    notes.add(HERE, {"b": "d"}, {})
    assert set(notes.of(HERE).confirmed) == {"a", "b"}


def test_notes_that_were_damaged_are_put_by_and_everything_is_offered_again(tmp_path: Path) -> None:
    path = write_spool(tmp_path, make_record())
    settled(pack(path, HERE), STORED)
    notes_beside(path).path.write_text('{"servers": {"http')
    assert len(pack(path, HERE).waiting) == 1
    assert (tmp_path / "quick.uploads.json.damaged").exists()


def test_the_notes_are_json_that_people_can_read(tmp_path: Path) -> None:
    notes = notes_beside(tmp_path / "quick.jsonl")
    notes.add(HERE, {"a": "d1"}, {"b": Refusal("d2", "forbidden", "Another's.", at="2026-11-24T08:00:00+00:00")})
    assert json.loads(notes.path.read_text()) == {
        "servers": {
            HERE.address: {
                "confirmed": {"a": "d1"},
                "refused": {
                    "b": {
                        "digest": "d2",
                        "code": "forbidden",
                        "reason": "Another's.",
                        "at": "2026-11-24T08:00:00+00:00",
                    }
                },
            }
        }
    }
    assert notes.of(THERE) == Standing()


def test_notes_that_cannot_be_written_are_told_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / ".uploads.lock").mkdir()
    with pytest.raises(SpoolError, match="cannot be written: Is a directory"):
        notes_beside(tmp_path / "quick.jsonl").prepare()


def test_the_notes_are_written_by_one_at_a_time(tmp_path: Path) -> None:
    notes = notes_beside(tmp_path / "quick.jsonl")
    with notes._writing(), (tmp_path / ".uploads.lock").open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


# ---------------------------------------------------------------- batches


def test_a_batch_is_bounded_by_number_and_by_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_spool(tmp_path, *(make_record(block=block) for block in range(5)))
    package = pack(path, HERE)
    assert len(package.next_batch(3)) == 3
    monkeypatch.setattr("runs.upload.package.MAX_BYTES", 2 * package.waiting[0].length + 3)
    assert len(package.next_batch(1000)) == 2
    monkeypatch.setattr("runs.upload.package.MAX_BYTES", 10)
    assert len(package.next_batch(1000)) == 1, "what is too large alone is the server's to refuse"


def test_the_digest_is_that_of_the_line(tmp_path: Path) -> None:
    record = make_record()
    (line,) = offered(write_spool(tmp_path, record), {}).lines
    assert line.digest == digest_of(as_json(record).encode())
