"""`manage.py serve`: a free port, the address said last, a clean end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management.base import CommandError

from runs.management.commands.serve import free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_passed_over(taken: int) -> None:
    assert free_port(taken) > taken


def test_without_a_free_port_it_says_so(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    monkeypatch.setattr("runs.management.commands.serve._PORTS_TRIED", 1)
    with pytest.raises(CommandError, match="Name another with --port"):
        free_port(taken)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_with_the_real_server_and_ends_cleanly(number: signal.Signals, tmp_path: Path, taken: int) -> None:
    command = [sys.executable, "manage.py", "serve", "--port", str(taken), "--workers", "1"]
    environment = os.environ | {"BENCHSITE_VAR": str(tmp_path)}
    with subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == f"Port {taken} is taken.\n"
        address = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
        assert address is not None
        with urllib.request.urlopen(f"{address[0]}/admin/login/", timeout=30) as page:
            assert page.status == 200
        server.send_signal(number)
        assert server.wait(30) == 0
