"""A real fleet on one host: driver, scheduler, machines and site, each a process of its own that can be killed.

A machine is a folder with a spool and a lock; its engines train with NumPy, so that a run takes a second.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from engines.host import PROJECT_ROOT
from runs.fleet import environment
from runs.fleet.workers import environment as variables
from tests.engines.test_host import marked_processes, wait_until_dead
from tests.runs.bench.benches import Bench, make_bench, places
from tests.runs.upload import sites
from tests.runs.upload.sites import Site, site_in
from tests.runs.upload.uploading import LOOPBACK, free_port

EXPERIMENT = "tiny"
PATIENCE_SECONDS = 300


@dataclass
class Lab:
    """Three machines and whoever hands out their work."""

    folder: Path
    site: Site
    names: tuple[str, ...] = ("lab1", "lab2", "lab3")
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    batch: Mapping[str, str] = field(default_factory=dict)
    """The variables by which a batch system is found that starts the machines; empty where they start by themselves."""

    def set_up(self) -> None:
        make_bench(self.folder)
        for name in self.names:
            self.var(name).mkdir(parents=True)
            make_bench(self.var(name), behaviour="slow")
        subprocess.run(
            [str(environment.python()), "-m", "runs.fleet.carrier.security", str(self.keys)],
            cwd=PROJECT_ROOT,
            env=variables(os.environ),
            check=True,
        )

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def scheduler_address(self) -> str:
        return f"tls://{LOOPBACK}:{self.port}"

    def var(self, name: str) -> Path:
        """Where a machine's spool is; a batch system's jobs share the driver's folder."""
        return self.folder / "machines" / name if self.batch else self.folder / name

    def bench(self, name: str) -> Bench:
        return Bench(self.var(name))

    # ------------------------------------------------------------ processes

    def start_scheduler(self) -> None:
        self._start("scheduler", self.folder, "scheduler", "--host", LOOPBACK, "--port", str(self.port))

    def start_machine(self, name: str) -> None:
        self._start(name, self.var(name), "worker", "--scheduler", self.scheduler_address, "--machine", name)

    def start_driver(self, *options: str) -> None:
        machines = ["--machines", ",".join(self.names), *self._way()]
        suite = ["--suite", str(self.folder / "tiny.toml"), "--no-verify", "--no-database", "--slice", "15s"]
        upload = ["--upload", self.site.address]
        self._start("driver", self.folder, "run", *machines, *suite, *upload, *options)

    def _way(self) -> list[str]:
        if not self.batch:
            return ["--scheduler", self.scheduler_address]
        own_lock = f"BENCHSITE_LOCK={self.folder}/{{machine}}.lock"  # each node has its own, but these are one host
        where = ["--host", LOOPBACK, "--port", str(self.port), "--environment", own_lock]
        return ["--deploy", "slurm", "--queue", "bench", "--memory", "1GiB", *where]

    def _start(self, who: str, var: Path, *words: str) -> None:
        with (self.folder / f"{who}.log").open("ab") as log:
            self.processes[who] = subprocess.Popen(
                [sys.executable, "manage.py", "fleet", *words, "--keys", str(self.keys)],
                cwd=PROJECT_ROOT,
                env=self._environment(var),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _environment(self, var: Path) -> Mapping[str, str]:
        return sites.environment(
            var,
            BENCHSITE_LOCK=str(var / "machine.lock"),
            BENCHSITE_TOKEN=self.site.tokens["ada"],
            BENCHSITE_PYTHON=sys.executable,
            **self.batch,
        )

    def kill(self, who: str) -> None:
        """It and all that it started and waits for, without notice. What a machine measures goes on."""
        process = self.processes.pop(who, None)
        if process is not None:
            for pid in [process.pid, *_below(process.pid)]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()

    def cut_power(self, name: str) -> None:
        """Of a machine: whatever runs there ends at once."""
        pids = marked_processes(f"BENCHSITE_VAR={self.var(name)}\0")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.kill(name)
        for pid in pids:
            wait_until_dead(pid)

    def finish(self) -> int:
        """The driver's exit code, once it has ended."""
        code = self.processes["driver"].wait(timeout=PATIENCE_SECONDS)
        del self.processes["driver"]
        return code

    def end(self) -> None:
        for who in list(self.processes):
            self.kill(who)
        for name in self.names:
            self.cut_power(name)

    # ------------------------------------------------------------ what came of it

    def said(self, who: str) -> str:
        return (self.folder / f"{who}.log").read_text()

    def assert_whole(self, runs: int) -> None:
        """On each machine each run once, none beside another; at the site the same runs and no others."""
        spooled: list[str] = []
        for name in self.names:
            contents = self.bench(name).contents
            assert contents.damaged == ()
            assert len(places(contents.records)) == len(set(places(contents.records))) == runs, name
            spooled += [record.run_id for record in contents.records]
            times = sorted(
                (datetime.fromisoformat(record.started_at), datetime.fromisoformat(record.finished_at))
                for record in contents.records
            )
            assert all(ended <= begun for (_, ended), (begun, _) in pairwise(times)), name
        assert self.site.runs(EXPERIMENT) == sorted(spooled)


def _below(pid: int) -> list[int]:
    """What a process started in the fleet's environment, and what that did: agents and drivers, no runs."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            after = path.read_text().rpartition(")")[2].split()
            command = (path.parent / "cmdline").read_bytes()
            if int(after[1]) == pid and (b"distributed.cli" in command or b"carrier.driver" in command):
                found.append(int(path.parent.name))
    return found


@contextlib.contextmanager
def lab_in(folder: Path, batch: Mapping[str, str] | None = None) -> Iterator[Lab]:
    (folder / "site").mkdir()
    with site_in(folder / "site") as site:
        site.start(workers=1)
        lab = Lab(folder, site, batch=batch or {})
        lab.set_up()
        try:
            yield lab
        finally:
            lab.end()
