"""Temporary folders of workers: whose host died are cleared away, whose host lives stay."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from engines import scratch

HOST = "from engines import scratch, host\nwith scratch.folder() as path:\n    print(path, flush=True)\n    input()\n"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    scratch._sweep.cache_clear()
    return tmp_path


def host() -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOST], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdout
    return process, Path(process.stdout.readline().strip())


def test_a_folder_is_gone_at_the_end_with_all_that_is_in_it(temporary: Path) -> None:
    with scratch.folder() as path:
        (Path(path) / "kernels").mkdir()
        assert list(temporary.iterdir()) == [Path(path)]
    assert list(temporary.iterdir()) == []


def test_what_a_killed_host_left_is_cleared_away_and_nobody_else_s() -> None:
    (dying, left), (living, kept) = host(), host()
    (left / "kernel.o").write_bytes(b"x")
    dying.send_signal(signal.SIGKILL)
    dying.communicate()
    assert left.is_dir()
    with scratch.folder():
        assert not left.exists()
        assert kept.is_dir()
    living.communicate("\n")
    assert not kept.exists()


def test_a_folder_that_another_host_swept_before_it_was_locked_is_followed_by_a_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []
    make = tempfile.mkdtemp

    def swept_once(**options: str) -> str:
        made.append(make(**options))
        if len(made) == 1:
            Path(made[0]).rmdir()
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", swept_once)
    with scratch.folder() as path:
        assert made[1:] == [path]
        assert Path(path).is_dir()
