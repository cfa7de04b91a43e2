"""A machine's agent: Dask's worker, started again whenever it ends, until it is told to stop."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from engines.host import PROJECT_ROOT
from runs.fleet import environment
from runs.fleet.workers import environment as variables
from runs.fleet.workers import worker_command

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 2.0, 60.0
_LONG_ENOUGH_SECONDS = 60.0
_POLL_SECONDS = 5.0


def serve(address: str, machine: str, keys: Path, *, while_connected: bool, say: Callable[[str], object]) -> None:
    """Until Ctrl-C or SIGTERM; `while_connected`, until standard input is closed.

    A run that is under way then goes on to its end: the machine's lock keeps others from beginning beside it.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    command = worker_command(environment.python(), address, machine, keys)
    pause = _FIRST_PAUSE_SECONDS
    say(f"{machine} waits for work from {address} (Ctrl-C stops it).")
    while True:
        began = time.monotonic()
        worker = subprocess.Popen(command, cwd=PROJECT_ROOT, env=variables(os.environ), start_new_session=True)
        try:
            if not _outlives(worker, while_connected=while_connected):
                return
        finally:
            worker.kill()
            worker.wait()
        pause = _FIRST_PAUSE_SECONDS if time.monotonic() - began > _LONG_ENOUGH_SECONDS else pause
        say(f"No scheduler at {address}, or it went. Trying again in {pause:.0f} s.")
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _outlives(worker: subprocess.Popen[bytes], *, while_connected: bool) -> bool:
    """Wait until the worker ends (True), or the connection that we depend on (False)."""
    if not while_connected:
        worker.wait()
        return True
    while worker.poll() is None:
        readable, _, _ = select.select([sys.stdin], [], [], _POLL_SECONDS)
        if readable and not os.read(sys.stdin.fileno(), 4096):
            return False
    return True
