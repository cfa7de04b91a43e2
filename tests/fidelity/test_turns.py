from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fidelity import turns

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="turns are kept with Linux's /proc alone"),
]
MARKS = ("turns-test-first", "turns-test-second")


@pytest.fixture
def sides() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two processes that would each keep a CPU busy."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass", mark]) for mark in MARKS]
    yield started
    for each in started:
        each.kill()
        each.wait()


def stat(process: subprocess.Popen[bytes]) -> list[str]:
    """What proc_pid_stat(5) lists, from the state on."""
    return Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    return sum(map(int, stat(process)[11:13])) / os.sysconf("SC_CLK_TCK")


def is_stopped(process: subprocess.Popen[bytes]) -> bool:
    return stat(process)[0] == "T"


def test_two_sides_take_turns_and_both_go_on_afterwards(
    sides: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "SECONDS", 0.1)
    with turns.taken_by(MARKS):
        time.sleep(0.3)
        before, start = [cpu_seconds(each) for each in sides], time.perf_counter()
        time.sleep(1.0)
        used = [cpu_seconds(each) - then for each, then in zip(sides, before, strict=True)]
        elapsed = time.perf_counter() - start
    assert min(used) > 0
    assert sum(used) < 1.3 * elapsed  # side by side on two CPUs, they would use twice the time that passes
    time.sleep(0.1)
    assert not any(is_stopped(each) for each in sides)


def test_a_side_alone_is_not_stopped(sides: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SECONDS", 0.1)
    sides[1].kill()
    sides[1].wait()
    with turns.taken_by(MARKS):
        time.sleep(0.5)
        assert not is_stopped(sides[0])
