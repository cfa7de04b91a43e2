"""`manage.py runbench` as its user types it, killed, interrupted and started again: no run lost, none doubled."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from engines.host import PROJECT_ROOT
from engines.run_record import RunRecord
from runs.records.run_records import parse_record
from tests.engines.test_host import marked_processes, wait_until_dead
from tests.runs.bench.benches import RUNS, TOO_MANY_THREADS, Bench, make_bench, places

pytestmark = pytest.mark.slow

PLANNED = 2 * RUNS
"""Half of them ask for more threads than any machine has: unsupported runs count towards the plan, too."""
PATIENCE_SECONDS = 120


def manage(bench: Bench, *words: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", *words],
        cwd=PROJECT_ROOT,
        env=os.environ | {"BENCHSITE_VAR": str(bench.var)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, output, errors


def runbench(bench: Bench, *options: str, **environment: str) -> subprocess.Popen[str]:
    """Without the gate, which is not what is killed here."""
    return manage(bench, "runbench", "--no-verify", "--suite", bench.suite, *options, **environment)


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bench = Bench(tmp_path_factory.mktemp("empty"))
    assert finish(manage(bench, "migrate", "--verbosity", "0", DATABASE_URL=_url(bench)))[0] == 0
    return bench.var / "db.sqlite3"


@pytest.fixture
def bench(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    bench = make_bench(tmp_path, behaviour="slow", threads=(1, TOO_MANY_THREADS))
    monkeypatch.setenv("DATABASE_URL", _url(bench))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    shutil.copy(empty_database, tmp_path / "db.sqlite3")
    return bench


def _url(bench: Bench) -> str:
    return f"sqlite:///{bench.var / 'db.sqlite3'}"


def stored_ids(bench: Bench) -> list[str]:
    with closing(sqlite3.connect(bench.var / "db.sqlite3")) as database:
        return sorted(row[0] for row in database.execute("SELECT run_id FROM runs_run"))


def stored(bench: Bench) -> list[RunRecord]:
    code, output, errors = finish(manage(bench, "exportruns"))
    assert code == 0, errors
    return [parse_record(line) for line in output.splitlines()]


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert process.poll() is None, f"ended too soon: {finish(process)}"
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


def finished(bench: Bench) -> int:
    return sum(record.status == "finished" for record in bench.records)


def workers(bench: Bench) -> set[int]:
    return {pid for pid in marked_processes(str(bench.var)) if b"--channel" in _command_line(pid)}


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # gone meanwhile
        return b""


def assert_whole(bench: Bench) -> None:
    """The plan's runs, each once, in the spool and in the database alike."""
    records = bench.records
    assert bench.contents.damaged == ()
    assert len(places(records)) == len(set(places(records))) == PLANNED
    assert _by_id(stored(bench)) == _by_id(records)
    assert finished(bench) == RUNS


def _by_id(records: Sequence[RunRecord]) -> list[RunRecord]:
    return sorted(records, key=lambda record: record.run_id)


def test_a_runner_killed_twice_loses_no_run_and_doubles_none(bench: Bench) -> None:
    kept: set[str] = set()
    for runs_before_death in (2, 5):
        runner = runbench(bench)
        wait_for(lambda least=runs_before_death: finished(bench) >= least and bool(workers(bench)), runner)  # type: ignore[misc]
        family = marked_processes(str(bench.var))
        runner.kill()
        finish(runner)
        assert all(wait_until_dead(pid) for pid in family), "a killed runner leaves no process behind"
        ids = {record.run_id for record in bench.records}
        assert kept <= ids
        kept = ids
    code, output, errors = finish(runbench(bench))
    assert code == 0, errors
    assert list((bench.var / "tmp").iterdir()) == []
    assert kept <= {record.run_id for record in bench.records}
    assert_whole(bench)
    assert "finished" in output.splitlines()[-1]


def test_a_runner_killed_between_a_run_and_its_block_s_end_loses_and_doubles_nothing(bench: Bench) -> None:
    """The database takes a block when it is over, and what a broken one left when the next sitting begins."""
    bench.plan(preset="standard", blocks=1)
    runner = runbench(bench, "--networks", "mlp:1x2")
    wait_for(lambda: finished(bench) == 1 and bool(workers(bench)), runner)
    runner.kill()
    finish(runner)
    (broken,) = bench.records
    assert (broken.conditions.canary_after_gflops, stored(bench)) == (None, [])
    code, _, errors = finish(runbench(bench, "--networks", "mlp:1x2"))
    assert code == 0, errors
    assert len(set(places(bench.records))) == len(bench.records) == 2
    assert broken in bench.records
    assert _by_id(stored(bench)) == _by_id(bench.records)
    assert [bool(record.conditions.canary_after_gflops) for record in bench.records] == [False, True]


def test_a_runner_killed_in_mid_write_leaves_a_line_that_does_not_count(bench: Bench) -> None:
    runner = runbench(bench)
    wait_for(lambda: finished(bench) >= 1, runner)
    runner.kill()
    finish(runner)
    with bench.spool.path.open("ab") as file:
        file.write(bench.spool.path.read_bytes().splitlines()[0][:500])
    code, _, errors = finish(runbench(bench))
    assert code == 0, errors
    assert_whole(bench)


def test_a_worker_killed_by_hand_is_a_crash_and_the_suite_goes_on(bench: Bench) -> None:
    runner = runbench(bench, "--threads", "1")
    wait_for(lambda: finished(bench) >= 1 and bool(workers(bench)), runner)
    os.kill(workers(bench).pop(), signal.SIGKILL)
    code, output, errors = finish(runner)
    assert code == 0, errors
    statuses = [record.status for record in bench.records]
    assert (statuses.count("finished"), statuses.count("crashed")) == (RUNS - 1, 1)
    assert "The worker was killed by signal 9 (SIGKILL)." in output
    assert len(stored_ids(bench)) == RUNS


def test_ctrl_c_stops_cleanly_with_one_message(bench: Bench) -> None:
    runner = runbench(bench)
    wait_for(lambda: finished(bench) >= 1 and bool(workers(bench)), runner)
    family = workers(bench)
    runner.send_signal(signal.SIGINT)
    code, _, errors = finish(runner)
    assert code == 130
    assert errors.splitlines()[-1] == "CommandError: Stopped. Nothing finished is lost; the same command continues."
    assert "Traceback" not in errors
    assert all(wait_until_dead(pid) for pid in family)
    assert finish(runbench(bench))[0] == 0
    assert_whole(bench)


def refusal(process: subprocess.Popen[str]) -> str:
    """The one message of a command that refused, on standard error, with exit code 1 and no traceback."""
    code, output, errors = finish(process)
    assert (code, output) == (1, "")
    (message,) = errors.splitlines()
    return message


def test_a_database_that_is_not_there_to_be_written_is_one_message(bench: Bench) -> None:
    (bench.var / "folder").mkdir()
    message = refusal(runbench(bench, DATABASE_URL=f"sqlite:///{bench.var / 'folder'}"))
    assert message.startswith("CommandError: The database cannot be written: unable to open database file.")
    assert not bench.spool.path.exists()


def test_a_database_file_that_is_none_is_one_message(bench: Bench) -> None:
    (bench.var / "db.sqlite3").write_bytes(b"a letter to my aunt, not a database " * 40)
    assert "file is not a database" in refusal(runbench(bench))


def test_an_empty_database_says_what_to_type(bench: Bench) -> None:
    (bench.var / "db.sqlite3").unlink()
    message = refusal(runbench(bench))
    assert message == "CommandError: The database is not set up. Type: python manage.py migrate"


def test_an_unknown_engine_is_one_message(bench: Bench) -> None:
    assert "There is no engine 'caffe'" in refusal(runbench(bench, "--engines", "caffe"))


@pytest.mark.engine
def test_tensorflow_itself_is_measured_and_stored(bench: Bench) -> None:
    """The one run here with a real framework: TensorFlow's environment as it was installed."""
    (bench.var / "environments.json").unlink()
    code, output, errors = finish(runbench(bench, "--engines", "tf", "--networks", "mlp:1x4", "--threads", "1"))
    assert code == 0, errors
    assert output.count("s per epoch") == 2
    assert {record.environment.origin for record in bench.records} == {"locked"}
    assert all(record.training and record.training.threads_observed > 0 for record in bench.records)
    assert len(stored_ids(bench)) == 2
