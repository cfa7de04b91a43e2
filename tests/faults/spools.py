"""Faults of the spool: kills between any two lines that write it, torn and damaged lines, a full disk, two runners."""

from __future__ import annotations

import os
import random
import resource
import signal
from functools import cache
from pathlib import Path

from engines.contract import as_json
from engines.run_record import RunRecord
from runs.errors import BusyError, SpoolError
from runs.records import lock, outlines, run_records, spool, spool_index
from runs.records.spool import Spool
from tests.faults.campaign import Kind
from tests.faults.dying import Action, Tell, in_a_process, killed_at_line, lines_of
from tests.records import make_record

_WRITING = (Path(spool.__file__), Path(run_records.__file__))
_INDEXING = (Path(spool_index.__file__), Path(outlines.__file__))
_NOTHING = "nothing; the next command goes on"


def records(dice: random.Random, number: int) -> list[RunRecord]:
    name = f"faults {dice.getrandbits(60):x}"
    return [make_record(experiment=name, block=block, epoch_seconds=dice.uniform(0.1, 3)) for block in range(number)]


def appended(at: Spool, planned: list[RunRecord]) -> Action:
    def action(tell: Tell) -> None:
        at.prepare()
        for record in planned:
            at.append(record)
            tell(record.run_id)

    return action


def filled(folder: Path, planned: list[RunRecord]) -> Spool:
    """A spool that has these runs."""
    at = Spool(folder / "one.jsonl")
    appended(at, planned)(lambda _: None)
    return at


def goes_on(at: Spool, planned: list[RunRecord], told: tuple[str, ...], damaged: int = 0) -> None:
    """What was told is there, nothing is there twice, and the next sitting makes it whole."""
    at.prepare()
    contents = at.read()
    found = [record.run_id for record in contents.records]
    assert len(contents.damaged) == damaged, contents.damaged
    assert set(told) <= set(found), "a run was lost"
    assert set(found) <= {record.run_id for record in planned}, "a run came from nowhere"
    for record in planned:
        if record.run_id not in found:
            at.append(record)
    whole = at.read()
    assert {record.run_id: record for record in whole.records} == {record.run_id: record for record in planned}
    assert {run.run_id for run in at.outlines().runs} == {record.run_id for record in planned}
    assert len(at.outlines().damaged) == damaged


@cache
def _lines_of_writing() -> int:
    folder = Path(os.environ["BENCHSITE_VAR"]) / "counted"
    planned = records(random.Random(0), 3)
    return lines_of(_WRITING, appended(Spool(folder / "one.jsonl"), planned))


def _killed_in_mid_write(dice: random.Random, folder: Path) -> str:
    at, planned = Spool(folder / "one.jsonl"), records(dice, 3)
    death = killed_at_line(dice.randint(1, _lines_of_writing()), _WRITING, appended(at, planned))
    goes_on(at, planned, death.told)
    return _NOTHING


def _killed_while_indexing(dice: random.Random, folder: Path) -> str:
    planned = records(dice, 4)
    at = filled(folder, planned[:2])
    if dice.random() < 0.5:
        at.outlines()
    filled(folder, planned[2:])

    def index(_: Tell) -> None:
        at.outlines()

    killed_at_line(dice.randint(1, 110), _INDEXING, index)
    goes_on(at, planned, tuple(record.run_id for record in planned))
    return _NOTHING


def _torn(dice: random.Random, folder: Path) -> str:
    """The machine went down in mid-write: a part of a line, or zeros where the file system had no time to write."""
    planned = records(dice, 3)
    at = filled(folder, planned[:2])
    text = as_json(planned[2]).encode()
    part = text[: dice.randrange(1, len(text))]
    with at.path.open("ab") as file:
        file.write(part if dice.random() < 0.7 else bytes(len(part)))
    goes_on(at, planned, tuple(record.run_id for record in planned[:2]))
    return _NOTHING


def _doubled(dice: random.Random, folder: Path) -> str:
    planned = records(dice, 3)
    at = filled(folder, planned)
    with at.path.open("ab") as file:
        file.write(as_json(dice.choice(planned)).encode() + b"\n")
    goes_on(at, planned, tuple(record.run_id for record in planned))
    return _NOTHING


def _damaged(dice: random.Random, folder: Path) -> str:
    """Bytes of one line turned by the disk. The others count; the line stays, and is told."""
    planned = records(dice, 4)
    at = filled(folder, planned)
    lines = at.path.read_bytes().splitlines(keepends=True)
    place = dice.randrange(len(lines))
    start = dice.randrange(len(lines[place]) - 40)
    lines[place] = lines[place][:start] + b'"\x00]' + lines[place][start + 30 :]
    at.path.write_bytes(b"".join(lines))
    told = tuple(record.run_id for number, record in enumerate(planned) if number != place)
    goes_on(at, planned, told, damaged=1)
    return "one.jsonl: lines … are no run records; left as they are, and run again."


def _full_disk(dice: random.Random, folder: Path) -> str:
    """The file may not grow beyond a point within some line, as on a full disk."""
    at, planned = Spool(folder / "one.jsonl"), records(dice, 4)
    most = dice.randrange(1, sum(len(as_json(record)) for record in planned))

    def action(tell: Tell) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
        try:
            appended(at, planned)(tell)
        except SpoolError as error:
            tell(f"SEEN {error}")

    told = in_a_process(action).told
    (seen,) = [word.removeprefix("SEEN ") for word in told if word.startswith("SEEN ")]
    assert "cannot be written" in seen
    goes_on(at, planned, tuple(word for word in told if not word.startswith("SEEN ")))
    return seen.replace(str(folder), "…")


def _two_runners(dice: random.Random, folder: Path) -> str:
    """Two at once of one spool: one measures, the other is told, and neither doubles a run."""
    at, planned = Spool(folder / "one.jsonl"), records(dice, 4)
    os.environ["BENCHSITE_LOCK"] = str(folder / "lock")

    def both(tell: Tell) -> None:
        second = os.fork()
        try:
            with lock.sole_measurer(folder, wait_seconds=dice.choice((0, 0, 5))):
                at.prepare()
                there = {record.run_id for record in at.read().records}
                for record in planned:
                    if record.run_id not in there:
                        at.append(record)
                        tell(record.run_id)
        except BusyError as error:
            tell(f"SEEN {error}")
        if second == 0:
            os._exit(0)
        os.waitpid(second, 0)

    told = in_a_process(both).told
    ids = [word for word in told if not word.startswith("SEEN ")]
    assert len(ids) == len(set(ids)) == len(planned), told
    assert len(at.path.read_bytes().splitlines()) == len(planned)
    goes_on(at, planned, tuple(ids))
    return next((word.removeprefix("SEEN ") for word in told if word.startswith("SEEN ")), "one waits for the other")


KINDS = (
    Kind("spool", "killed at any line that writes a run", _killed_in_mid_write, 260),
    Kind("spool", "killed at any line that brings the index up to date", _killed_while_indexing, 120),
    Kind("spool", "a torn last line, or zeros", _torn, 60),
    Kind("spool", "a doubled line", _doubled, 30),
    Kind("spool", "a damaged line", _damaged, 60),
    Kind("spool", "a full disk", _full_disk, 60),
    Kind("runner", "two runners on one spool", _two_runners, 20),
)
