"""Faults of a sitting: `runbench` as its user types it, killed at some moment, and started again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path

from tests.engines.test_host import marked_processes, wait_until_dead
from tests.faults.campaign import Kind
from tests.runs.bench.benches import TOO_MANY_THREADS, Bench, make_bench
from tests.runs.management.test_runbench_kill import assert_whole, finish, manage, runbench, workers

_LONGEST_SECONDS = 6.0


def _bench(folder: Path) -> Bench:
    """With a database of its own, copied from an empty one."""
    bench = make_bench(folder, behaviour="slow", threads=(1, TOO_MANY_THREADS))
    empty = Path(os.environ["BENCHSITE_VAR"]) / "empty.sqlite3"
    if not empty.exists():
        assert finish(manage(bench, "migrate", "--verbosity", "0", DATABASE_URL=f"sqlite:///{empty}"))[0] == 0
    shutil.copy(empty, folder / "db.sqlite3")
    os.environ["DATABASE_URL"] = f"sqlite:///{folder / 'db.sqlite3'}"
    os.environ["BENCHSITE_LOCK"] = str(folder / "lock")
    return bench


def _ended_by(number: signal.Signals) -> object:
    def befall(dice: random.Random, folder: Path) -> str:
        kept = os.environ.get("DATABASE_URL")
        try:
            bench = _bench(folder)
            runner = runbench(bench)
            time.sleep(dice.uniform(0.3, _LONGEST_SECONDS))
            family = marked_processes(f"BENCHSITE_VAR={bench.var}")
            runner.send_signal(number)
            _, _, errors = finish(runner)
            assert all(wait_until_dead(pid) for pid in family), "a process outlived its runner"
            code, _, told = finish(runbench(bench))
            assert code == 0, told
            assert_whole(bench)
        finally:
            os.environ.pop("DATABASE_URL", None)
            if kept is not None:
                os.environ["DATABASE_URL"] = kept
        return errors.strip().splitlines()[-1] if number == signal.SIGINT else "nothing; the same command continues"

    return befall


def _worker_dies(dice: random.Random, folder: Path) -> str:
    kept = os.environ.get("DATABASE_URL")
    try:
        bench = _bench(folder)
        runner = runbench(bench, "--threads", "1")
        until = time.monotonic() + 60
        while not (found := workers(bench)) and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 0.3))
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        code, _, errors = finish(runner)
        assert code == 0, errors
        statuses = [record.status for record in bench.records]
        assert statuses.count("crashed") <= 1
        assert statuses.count("finished") + statuses.count("crashed") == len(statuses)
    finally:
        os.environ.pop("DATABASE_URL", None)
        if kept is not None:
            os.environ["DATABASE_URL"] = kept
    return "The worker was killed by signal 9 (SIGKILL)."


KINDS = (
    Kind("runner", "killed at some moment", _ended_by(signal.SIGKILL), 6),  # type: ignore[arg-type]
    Kind("runner", "Ctrl-C at some moment", _ended_by(signal.SIGINT), 3),  # type: ignore[arg-type]
    Kind("worker", "killed at some moment", _worker_dies, 3),
)
