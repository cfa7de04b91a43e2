"""The host with the real worker in a process of its own; only the framework is a stand-in. Every end is an outcome."""

from __future__ import annotations

import getpass
import os
import platform
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from engines import datasets, host
from engines.contract import Network, Setup
from engines.protocol import Event, Job, job_to_json
from engines.timing import Policy
from tests.engines import stand_in

pytestmark = pytest.mark.slow

POLICY = Policy(warmup_epochs=1, steady_epochs=2, min_steady_seconds=0.0)


def job(policy: Policy = POLICY, **setup: Any) -> Job:
    dataset = datasets.describe("shuttle", train_samples=1000, synthetic=True)
    return Job("train", Setup("tensorflow", Network("mlp", 1, 4), **setup), dataset, seed=3, policy=policy)


def run(folder: Path, behaviour: str, *, timeout_seconds: float = 60, **changes: Any) -> host.Outcome:
    return host.run(stand_in.interpreter(folder, behaviour), job(**changes), timeout_seconds=timeout_seconds)


def alive(pid: int) -> bool:
    """A zombie that nobody has reaped yet is dead."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until_dead(pid: int) -> bool:
    deadline = time.monotonic() + 20
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_a_job_that_ends_well_gives_its_result(tmp_path: Path) -> None:
    outcome = run(tmp_path, "train")
    assert (outcome.status, outcome.reason, outcome.exit_code, outcome.stderr_tail) == ("finished", "", 0, "")
    assert len(outcome.result["training"]["epochs"]) == 3
    assert outcome.process_seconds > 0
    assert outcome.process_cpu_seconds > 0


def test_events_arrive_in_their_order(tmp_path: Path) -> None:
    events: list[Event] = []
    host.run(stand_in.interpreter(tmp_path), job(), timeout_seconds=60, on_event=events.append)
    assert [event.get("name", event["event"]) for event in events] == [
        "imported",
        "compiled",
        "epoch",
        "epoch",
        "epoch",
    ]


def test_banners_on_standard_output_and_error_never_pollute_the_channel(tmp_path: Path) -> None:
    outcome = run(tmp_path, "banners")
    assert outcome.finished
    assert set(outcome.result) == {"training", "phases"}


def test_a_worker_over_its_time_is_stopped(tmp_path: Path) -> None:
    outcome = run(tmp_path, "hang", timeout_seconds=2)
    assert outcome.status == "timed_out"
    assert outcome.reason == "Stopped after 2 s, the suite's limit for one run."
    assert outcome.exit_code == -signal.SIGKILL


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system does not tell a process' time")
def test_a_worker_that_the_machine_gave_no_time_is_given_it_later(tmp_path: Path) -> None:
    """Stopped for as long as its limit, as on a machine that others hold."""
    outcome = run(tmp_path, "held-up", timeout_seconds=3)
    assert outcome.finished
    assert outcome.process_seconds > 3


def test_a_worker_that_computes_beyond_its_time_is_stopped(tmp_path: Path) -> None:
    outcome = run(tmp_path, "burn", timeout_seconds=2)
    assert outcome.status == "timed_out"
    assert outcome.process_cpu_seconds >= 1


def test_a_time_out_ends_what_the_worker_started_too(tmp_path: Path) -> None:
    outcome = run(tmp_path, "hang-with-child", timeout_seconds=3)
    assert outcome.status == "timed_out"
    assert wait_until_dead(int(outcome.stderr_tail.split()[-1]))


@pytest.mark.parametrize(
    ("behaviour", "exit_code", "reason"),
    [
        ("exit-code", 3, "The worker left with exit code 3 and no result."),
        ("segfault", -signal.SIGSEGV, "The worker was killed by signal 11 (SIGSEGV)."),
        ("kill", -signal.SIGKILL, "The worker was killed by signal 9 (SIGKILL)."),
        ("torn", 5, "The worker left with exit code 5 and no result."),
    ],
)
def test_a_crash_is_a_result_with_its_exit_code(tmp_path: Path, behaviour: str, exit_code: int, reason: str) -> None:
    outcome = run(tmp_path, behaviour)
    assert (outcome.status, outcome.exit_code, outcome.reason) == ("crashed", exit_code, reason)
    assert outcome.result == {}


@pytest.mark.skipif(not hasattr(signal, "SIGRTMIN"), reason="this system has no real-time signals")
def test_a_signal_without_a_name_is_a_crash_like_any_other(tmp_path: Path) -> None:
    outcome = run(tmp_path, "real-time-signal")
    assert outcome.status == "crashed"
    assert outcome.reason.endswith("(a real-time signal).")


@pytest.mark.parametrize("behaviour", ["memory", "device-memory"])
def test_memory_that_runs_out_is_told_from_a_crash(tmp_path: Path, behaviour: str) -> None:
    outcome = run(tmp_path, behaviour)
    assert outcome.status == "out_of_memory"
    assert "9.3" in outcome.reason


def test_a_process_killed_while_it_held_most_of_the_memory_ran_out_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "_memory_bytes", lambda: 2**20)
    outcome = run(tmp_path, "kill")
    assert outcome.status == "out_of_memory"
    assert "Killed by the system (SIGKILL)" in outcome.reason


def test_a_loss_that_is_no_number_is_a_divergence(tmp_path: Path) -> None:
    outcome = run(tmp_path, "nan")
    assert (outcome.status, outcome.reason) == ("diverged", "The loss was nan in epoch 1.")


def test_what_an_engine_cannot_do_is_unsupported_in_its_own_words(tmp_path: Path) -> None:
    outcome = run(tmp_path, "unsupported")
    assert (outcome.status, outcome.reason) == ("unsupported", "No convolutions here.")


def test_a_batch_larger_than_the_data_is_refused_in_words(tmp_path: Path) -> None:
    outcome = run(tmp_path, "train", batch_size=2000)
    assert (outcome.status, outcome.reason) == ("unsupported", "A batch of 2000 does not fit in 1000 samples.")


def test_a_worker_that_has_its_result_out_and_does_not_leave_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "_LEAVING_SECONDS", 0.3)
    outcome = run(tmp_path, "linger")
    assert outcome.finished
    assert outcome.exit_code == -signal.SIGKILL


def test_a_dead_worker_is_noticed_though_its_child_holds_the_channel_open(tmp_path: Path) -> None:
    outcome = run(tmp_path, "orphan")
    assert (outcome.status, outcome.exit_code) == ("crashed", 4)


def test_a_failure_leaves_no_private_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "ann"))
    monkeypatch.setenv("LOGNAME", "ann")
    monkeypatch.setenv("STAND_IN_WORDS", f"{tmp_path}/ann/data -L{tmp_path}/ann/lib annual ann@lab7 lab7.example.org")
    monkeypatch.setattr(socket, "gethostname", lambda: "lab7.example.org")
    host._private_words.cache_clear()
    try:
        outcome = run(tmp_path, "private")
    finally:
        host._private_words.cache_clear()
    scrubbed = "RuntimeError: <home>/data -L<home>/lib annual <user>@<host> <host> <project>/engines"
    assert outcome.reason == scrubbed
    assert outcome.stderr_tail.splitlines()[-1] == scrubbed
    assert str(host.PROJECT_ROOT) not in outcome.stderr_tail


def test_scrubbing_leaves_longer_words_alone() -> None:
    user = getpass.getuser()
    assert host.scrub(f"{user}ish un{user}") == f"{user}ish un{user}"


@pytest.mark.parametrize("content", [None, "", "not a program", "#!/nowhere/python\n"])
def test_an_interpreter_that_cannot_be_started_is_an_outcome(tmp_path: Path, content: str | None) -> None:
    python = tmp_path / "python"
    if content is not None:
        python.write_bytes(b"\x00\x01" + content.encode() if content == "not a program" else content.encode())
        python.chmod(0o755)
    outcome = host.run(python, job(), timeout_seconds=20)
    assert outcome.status == "unsupported"
    assert outcome.reason.startswith("The interpreter ")
    assert "cannot be started" in outcome.reason


def test_a_program_that_is_no_python_is_a_crash(tmp_path: Path) -> None:
    outcome = host.run(Path("/bin/false"), job(), timeout_seconds=20)
    assert (outcome.status, outcome.exit_code) == ("crashed", 1)


def test_a_worker_that_nobody_gave_a_folder_clears_none_away(tmp_path: Path) -> None:
    """Started by hand, it works in the user's own temporary folder."""
    (tmp_path / "kept").write_text("")
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "engines.worker", "--channel", str(writing)]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    text = job_to_json(job())
    worker = subprocess.run(
        command, input=text + "\n", text=True, pass_fds=[writing], cwd=host.PROJECT_ROOT, env=environment,
        start_new_session=True, capture_output=True,
    )  # fmt: skip
    os.close(reading)
    os.close(writing)
    assert worker.returncode == -signal.SIGKILL, "it ends with its standard input"
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_job_is_stopped_from_another_thread(tmp_path: Path) -> None:
    stop = threading.Event()
    python = stand_in.interpreter(tmp_path, "hang")
    threading.Timer(0.5, stop.set).start()
    with pytest.raises(KeyboardInterrupt):
        host.run(python, job(), timeout_seconds=600, stop=stop)


def test_the_shell_s_settings_do_not_reach_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("OMP_NUM_THREADS", "TF_XLA_FLAGS", "THEANO_FLAGS", "PYTHONHOME", "CUDA_VISIBLE_DEVICES")
    for name in (*names, "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"):
        monkeypatch.setenv(name, "surprise")
    assert "surprise" not in host._environment("theano", str(tmp_path)).values()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="no other C library has these settings")
def test_a_workers_speed_does_not_hang_on_what_it_freed_before(tmp_path: Path) -> None:
    environment = host._environment("theano", str(tmp_path))
    once = 3 * 3 * 2**20 / resource.getpagesize()
    assert _faults_of_blocks(0, environment) < 2 * once
    assert _faults_of_blocks(30 * 2**20, environment) < 2 * once
    unset = {name: value for name, value in environment.items() if name not in host.ALLOCATOR}
    assert _faults_of_blocks(0, unset) > 20 * once, "the C library no longer behaves so: the settings can go"


def _faults_of_blocks(freed_before: int, environment: dict[str, str]) -> int:
    """Page faults of a program that takes and frees three blocks of a few MB a hundred times."""
    program = f"""
import resource
import numpy as np
size = {freed_before}
if size:
    np.ones(size, np.uint8)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    blocks = [np.ones(3 * 2**20, np.uint8) for _ in range(3)]
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    answer = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    return int(answer.stdout)


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for behaviour in ("exit-code", "torn"):
        run(tmp_path, behaviour)
    host.run(tmp_path / "missing", job(), timeout_seconds=5)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


_HOST = """
import sys
from pathlib import Path
from engines import host
from tests.engines.test_host import job
print("started", flush=True)
host.run(Path(sys.argv[1]), job(), timeout_seconds=600)
"""


def test_a_host_killed_outright_leaves_no_worker_no_child_of_it_and_no_files(tmp_path: Path) -> None:
    python = stand_in.interpreter(tmp_path, "hang-with-child")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = os.environ | {"BENCHSITE_TEST_MARK": str(tmp_path), "TMPDIR": str(temporary)}
    with subprocess.Popen([sys.executable, "-c", _HOST, str(python)], env=environment, cwd=host.PROJECT_ROOT) as killed:
        family = _wait_for_family(str(tmp_path), members=3)
        assert len(list(temporary.iterdir())) == 1
        killed.kill()
    assert all(wait_until_dead(pid) for pid in family)
    assert list(temporary.iterdir()) == []


def _wait_for_family(mark: str, members: int) -> set[int]:
    """The processes that bear the mark in their environment, once there are so many."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        family = marked_processes(mark)
        if len(family) >= members:
            return family
        time.sleep(0.05)
    raise AssertionError(f"{members} processes were expected, {len(family)} are there")


def marked_processes(mark: str) -> set[int]:
    return {
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/environ")
        if int(path.parent.name) != os.getpid() and mark.encode() in _content(path) and alive(int(path.parent.name))
    }


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # gone meanwhile, or another user's
        return b""


def test_a_job_that_nobody_reads_is_a_crash_like_any_other(tmp_path: Path) -> None:
    """However often: closing a pipe whose reader is gone must not be an error of ours."""
    for _ in range(20):
        assert host.run(Path("/bin/false"), job(), timeout_seconds=20).status == "crashed"
