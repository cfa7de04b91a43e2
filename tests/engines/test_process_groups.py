"""The processor time of a group of processes, as the system tells it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engines import process_groups

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="this system does not tell a process' group and state"
)
BURN = "import time\nwhile time.process_time() < 0.4: pass\n"


def test_the_time_of_all_that_a_process_started_counts() -> None:
    child = f"import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', {BURN!r}])\nprint(1, flush=True)\n"
    command = [sys.executable, "-c", child + "time.sleep(60)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = process_groups.cpu_seconds(process.pid)
        os.killpg(process.pid, signal.SIGKILL)
    assert found is not None
    assert 0.4 <= found < 30


def test_a_group_that_is_gone_used_nothing() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    process.wait()
    assert process_groups.cpu_seconds(process.pid) == 0.0
