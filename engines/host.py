"""Runs one job in a worker process: spawns it, streams its events, times it out, kills its whole group.

However the worker ends, there is an outcome: a crash is a result.
"""

from __future__ import annotations

import getpass
import os
import re
import selectors
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any, get_args

from engines import inheritance, plug_ins, process_groups, registry, scratch
from engines.errors import UnavailableError
from engines.protocol import SCRATCH, Event, Job, job_to_json, parse_line
from engines.run_record import Status

PROJECT_ROOT = Path(__file__).resolve().parent.parent
_STDERR_TAIL = 4000
_LEAVING_SECONDS = 30.0
_POLL_SECONDS = 1.0
_LEAST_USE = 0.05
"""Of one processor's time: a worker that uses less is not held up by others, but hangs."""
_NEVER = threading.Event()

ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(32 * 2**20), "MALLOC_TRIM_THRESHOLD_": str(64 * 2**20)}
"""When glibc's malloc asks the system for memory and gives it back, in bytes; other C libraries take no notice.

Unset, the first grows to the largest block that the process has freed, up to 32 MiB, and the second to twice that:
Theano's CNNs are a fifth faster once a process has freed a file's 30 MB than in one that has not. So that no engine's
speed hangs on how its data was read, all have the values that glibc itself ends at. See mallopt(3), M_MMAP_THRESHOLD.
"""


@dataclass(frozen=True)
class Outcome:
    """How a worker ended. `result` is what the job gave, if it did; times are the whole process's, in seconds."""

    status: Status
    reason: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    stderr_tail: str = ""
    process_seconds: float = 0.0
    process_cpu_seconds: float = 0.0

    @property
    def finished(self) -> bool:
        return self.status == "finished"


def run(
    python: Path,
    job: Job,
    *,
    timeout_seconds: float,
    on_event: Callable[[Event], None] = lambda event: None,
    stop: threading.Event = _NEVER,
) -> Outcome:
    """Do the job with that interpreter. Only what befalls the host itself is raised: Ctrl-C, a full disk.

    `stop` hands on to a thread what Ctrl-C says to the main one.
    """
    with scratch.folder() as folder, tempfile.TemporaryFile() as stderr:
        try:
            with _worker(python, job.setup.engine, folder, stderr) as worker:
                worker.hand_over(job)
                final = worker.follow(timeout_seconds, on_event, stop)
                worker.end()
                return _outcome(worker, final, _tail(stderr), timeout_seconds)
        except UnavailableError as error:
            return Outcome(status=error.status, reason=scrub(str(error)))


class _Limit:
    """When a run has had its time: so many seconds, of which those do not count in which the machine gave it none.

    At the end of its time a worker that used less processor time than that, and is still using some, was held up by
    others: it gets the rest. One that hardly used any since it was last looked at hangs. Nobody looks before the time
    is over, since looking would disturb what is measured.
    """

    def __init__(self, group: int, seconds: float) -> None:
        self._group, self._seconds = group, seconds
        self._begun = time.perf_counter()
        self._end = self._begun + seconds
        self._used = 0.0

    def seconds_left(self) -> float:
        """0 when the time is over."""
        now = time.perf_counter()
        if now >= self._end:
            self._prolong(now)
        return max(0.0, self._end - now)

    def _prolong(self, now: float) -> None:
        used = process_groups.cpu_seconds(self._group)
        if used is None or used >= self._seconds or used - self._used < _LEAST_USE * (now - self._begun):
            return
        self._begun, self._end, self._used = now, now + self._seconds - used, used


class _Worker:
    """A worker process and the reading end of its channel."""

    def __init__(self, process: subprocess.Popen[bytes], channel: int) -> None:
        self.process = process
        self.channel = channel
        self.started = time.perf_counter()
        self.seconds = 0.0
        self.cpu_seconds = 0.0
        self.peak_rss_bytes = 0
        self.timed_out = False

    def hand_over(self, job: Job) -> None:
        """Write the job; standard input stays open, since its end tells the worker that its host is gone."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # it died at once: its exit code and standard error tell why
            self.process.stdin.write(job_to_json(job).encode() + b"\n")
            self.process.stdin.flush()

    def follow(self, timeout_seconds: float, on_event: Callable[[Event], None], stop: threading.Event) -> Event | None:
        """Pass events on until the worker's last word, which is returned; None if it ended or ran out of time first."""
        for event in self._events(_Limit(self.process.pid, timeout_seconds), stop):
            if event["event"] in ("result", "failed"):
                return event
            on_event(event)
        return None

    def _events(self, limit: _Limit, stop: threading.Event) -> Iterator[Event]:
        torn = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.channel, selectors.EVENT_READ)
            while True:
                if stop.is_set():
                    raise KeyboardInterrupt
                left = limit.seconds_left()
                if not selector.select(min(left, _POLL_SECONDS)):
                    self.timed_out = not left
                    if self.timed_out or self._reap(os.WNOHANG):  # dead, though a child of it holds the channel open
                        return
                    continue
                chunk = os.read(self.channel, 65536)
                if not chunk:
                    return
                *lines, torn = (torn + chunk).split(b"\n")
                yield from (event for event in map(parse_line, lines) if event)

    def end(self) -> None:
        """Reap the worker, by force if it timed out or does not leave, and note what it used."""
        if self.timed_out or not self._leaves_within(_LEAVING_SECONDS):
            self.kill()
            self._reap(0)
        self.seconds = time.perf_counter() - self.started

    def _leaves_within(self, seconds: float) -> bool:
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            if self._reap(os.WNOHANG):
                return True
            time.sleep(0.005)
        return False

    def _reap(self, flags: int) -> bool:
        if self.process.returncode is not None:
            return True
        pid, status, usage = os.wait4(self.process.pid, flags)
        if pid:
            self.process.returncode = os.waitstatus_to_exitcode(status)
            self.cpu_seconds = usage.ru_utime + usage.ru_stime
            self.peak_rss_bytes = usage.ru_maxrss * 1024
        return bool(pid)

    def kill(self) -> None:
        """Kill the worker's whole process group: a compiler that it started dies with it."""
        with suppress(ProcessLookupError, PermissionError):  # gone already, or (macOS) nobody but a zombie left
            os.killpg(self.process.pid, signal.SIGKILL)


@contextmanager
def _worker(python: Path, engine: str, folder: str, stderr: IO[bytes]) -> Iterator[_Worker]:
    reading, writing = os.pipe()
    try:
        process = subprocess.Popen(
            [str(python), "-m", "engines.worker", "--channel", str(writing)],
            stdin=subprocess.PIPE,
            stdout=stderr,
            stderr=stderr,
            pass_fds=[writing],
            start_new_session=True,
            cwd=PROJECT_ROOT,
            env=_environment(engine, folder),
        )
    except OSError as error:
        os.close(reading)
        raise UnavailableError(f"The interpreter {python} cannot be started: {error.strerror}.") from None
    finally:
        os.close(writing)
    worker = _Worker(process, reading)
    try:
        yield worker
    finally:
        worker.kill()
        worker._reap(0)
        os.close(reading)
        if process.stdin:
            with suppress(BrokenPipeError):  # a job that was never read is still in the buffer
                process.stdin.close()


def _environment(engine: str, folder: str) -> dict[str, str]:
    handed_over, folders = plug_ins.handed_over(registry.ENGINES.get(engine), Path(folder))
    return {
        **inheritance.inherited(),
        **ALLOCATOR,
        **handed_over,
        "PYTHONPATH": os.pathsep.join([str(PROJECT_ROOT), *folders]),
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": folder,
        SCRATCH: folder,
    }


# ---------------------------------------------------------------- what the end means


def _outcome(worker: _Worker, final: Event | None, stderr_tail: str, timeout_seconds: float) -> Outcome:
    status, reason = _status_and_reason(worker, final, timeout_seconds)
    finished = status == "finished"
    return Outcome(
        status=status,
        reason=scrub(reason),
        result=final["result"] if final and finished else {},
        exit_code=worker.process.returncode,
        stderr_tail="" if finished else stderr_tail,
        process_seconds=worker.seconds,
        process_cpu_seconds=worker.cpu_seconds,
    )


def _status_and_reason(worker: _Worker, final: Event | None, timeout_seconds: float) -> tuple[Status, str]:
    if final and final["event"] == "result":
        return "finished", ""  # it had its result out, whatever happened to it while it left
    if final:
        status = final["status"]
        return (status if status in get_args(Status) else "crashed"), final["reason"]  # type: ignore[return-value]
    if worker.timed_out:
        return "timed_out", f"Stopped after {timeout_seconds:.0f} s, the suite's limit for one run."
    return _death(worker.process.returncode, worker.peak_rss_bytes)


def _death(exit_code: int, peak_rss_bytes: int) -> tuple[Status, str]:
    """A death without a last word. A SIGKILL of a process that held most of the memory is the system's OOM killer."""
    if exit_code >= 0:
        return "crashed", f"The worker left with exit code {exit_code} and no result."
    name = _signal_name(-exit_code)
    if name == "SIGKILL" and peak_rss_bytes > 0.5 * _memory_bytes():
        return "out_of_memory", f"Killed by the system ({name}) while it held {peak_rss_bytes / 2**30:.1f} GiB."
    return "crashed", f"The worker was killed by signal {-exit_code} ({name})."


def _signal_name(number: int) -> str:
    known = {int(each): each.name for each in signal.Signals}
    return known.get(number, "a real-time signal")


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _tail(stderr: IO[bytes]) -> str:
    size = stderr.seek(0, os.SEEK_END)
    stderr.seek(max(0, size - _STDERR_TAIL))
    return scrub(stderr.read().decode(errors="replace"))


@cache
def _private_words() -> list[tuple[str, str]]:
    """What must not leave this machine, longest first, with what stands in its place."""
    name = socket.gethostname()
    words = {str(PROJECT_ROOT): "<project>", str(Path.home()): "<home>", name: "<host>", name.split(".")[0]: "<host>"}
    with suppress(KeyError, OSError):  # a user without a name has none to hide
        words.setdefault(getpass.getuser(), "<user>")
    return sorted(((word, mark) for word, mark in words.items() if len(word) > 1), key=lambda pair: -len(pair[0]))


def scrub(text: str) -> str:
    """The text without this project's path, the home path, the host's and the user's name."""
    for word, mark in _private_words():
        start = "" if word.startswith("/") else r"(?<!\w)"  # a path may follow its option at once: -L/home/ann
        text = re.sub(rf"{start}{re.escape(word)}(?!\w)", mark, text)
    return text
