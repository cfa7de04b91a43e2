"""Gunicorn as docs/deploy.md starts it, on loopback; and what its workers weigh."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
WORKERS, THREADS = 2, 4
_START_SECONDS = 60
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Server:
    port: int
    process: subprocess.Popen[bytes]

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(HOST, self.port, timeout=120)

    def worker_rss_bytes(self) -> list[int]:
        """The resident memory of each worker."""
        return [_rss_bytes(pid) for pid in _children(self.process.pid)]


@contextlib.contextmanager
def site() -> Iterator[Server]:
    """Stopped at the end, whatever happens. The environment names the database."""
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", "benchsite.wsgi", "--bind", f"{HOST}:{port}"]
    command += ["--workers", str(WORKERS), "--threads", str(THREADS), "--log-level", "warning"]
    process = subprocess.Popen(command, cwd=_ROOT)
    try:
        server = Server(port, process)
        _wait(server)
        yield server
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=40)
        process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(server: Server) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = server.connection()
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    sys.exit("gunicorn did not start; what it said is above.")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _rss_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith("VmRSS"))
    return int(kilobytes) * 1024


def load_average() -> float:
    return os.getloadavg()[0]
