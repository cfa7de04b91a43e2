"""One measurement at a time on a machine, whichever checkout or user begins it."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from runs.errors import BusyError, SpoolError
from runs.records.lock import is_measuring, machine_lock, sole_measurer


@pytest.fixture(autouse=True)
def _own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHSITE_LOCK", str(tmp_path / "machine.lock"))


def test_only_one_measures_at_a_time_and_the_next_may_afterwards(tmp_path: Path) -> None:
    with sole_measurer(tmp_path), pytest.raises(BusyError, match="Another runbench"), sole_measurer(tmp_path):
        raise AssertionError("two at once")
    with sole_measurer(tmp_path):
        assert is_measuring(tmp_path)
    assert not is_measuring(tmp_path)


def test_two_checkouts_on_one_machine_do_not_overlap(tmp_path: Path) -> None:
    with sole_measurer(tmp_path / "one"), pytest.raises(BusyError), sole_measurer(tmp_path / "other"):
        raise AssertionError("two at once")
    with sole_measurer(tmp_path / "other"):
        assert not is_measuring(tmp_path / "one")


def test_it_waits_as_long_as_it_is_told_and_says_so_once(tmp_path: Path) -> None:
    told: list[str] = []
    released = threading.Event()

    def hold() -> None:
        with sole_measurer(tmp_path / "one"):
            taken.set()
            released.wait(30)

    taken = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait(30)
    begun = time.monotonic()
    with (
        pytest.raises(BusyError, match="busy for 0 s"),
        sole_measurer(tmp_path / "other", wait_seconds=0.3, waiting=lambda: told.append("waits")),
    ):
        raise AssertionError("two at once")
    assert time.monotonic() - begun >= 0.3
    threading.Timer(0.2, released.set).start()
    with sole_measurer(tmp_path / "other", wait_seconds=60, waiting=lambda: told.append("waits")):
        assert told == ["waits", "waits"]
    holder.join()


def test_the_lock_of_the_machine_is_everybody_s(tmp_path: Path) -> None:
    with sole_measurer(tmp_path):
        assert machine_lock().stat().st_mode & 0o666 == 0o666
    assert machine_lock().parent == tmp_path


def test_where_no_lock_can_be_made_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match="cannot be used: File exists"), sole_measurer(tmp_path / "file"):
        raise AssertionError("no lock was there to be had")
    del os.environ["BENCHSITE_LOCK"]
    assert machine_lock().name == "benchsite-measuring.lock"
