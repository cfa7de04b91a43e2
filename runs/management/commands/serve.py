from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

_HOST = "127.0.0.1"
_PORTS_TRIED = 50
_START_SECONDS = 60


class Command(BaseCommand):
    help = "Serve the dashboard on this machine, on the port asked for or the next free one, until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="the port to begin with (default: 8000)")
        parser.add_argument("--workers", type=int, default=2, help="processes that answer (default: 2)")

    def handle(self, *args: Any, **options: Any) -> None:
        port = free_port(options["port"])
        if not settings.DEBUG:
            call_command("collectstatic", interactive=False, verbosity=0)
        with _server(port, options["workers"]) as server:
            if not _answers(server, port):
                raise CommandError("The server did not start; what it said is above.")
            if port != options["port"]:
                self.stdout.write(f"Port {options['port']} is taken.")
            self.stdout.write(f"The dashboard is on http://{_HOST}:{port} (Ctrl-C stops it)")
            self.stdout.flush()
            if server.wait() != 0:
                raise CommandError(f"The server ended with exit code {server.returncode}.")


def free_port(first: int) -> int:
    """The first port from `first` on that nobody listens on; raises CommandError when there is none near."""
    for port in range(first, min(first + _PORTS_TRIED, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will
            with contextlib.suppress(OSError):
                probe.bind((_HOST, port))
                return port
    raise CommandError(f"No port from {first} to {first + _PORTS_TRIED - 1} is free. Name another with --port.")


@contextlib.contextmanager
def _server(port: int, workers: int) -> Iterator[subprocess.Popen[bytes]]:
    """Gunicorn, which Ctrl-C, SIGTERM or a closed terminal ends gracefully and which never outlives this."""
    command = [sys.executable, "-m", "gunicorn", "benchsite.wsgi:application"]
    command += ["--bind", f"{_HOST}:{port}", "--workers", str(workers), "--log-level", "warning"]
    server = subprocess.Popen(command, cwd=settings.BASE_DIR, start_new_session=True)

    def stop(number: int, frame: FrameType | None) -> None:
        server.terminate()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        yield server
    finally:
        server.terminate()
        server.wait()


def _answers(server: subprocess.Popen[bytes], port: int) -> bool:
    """True once it takes connections, false when it ended or did not begin in time."""
    deadline = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((_HOST, port), timeout=1):
            return True
        time.sleep(0.05)
    return False
