"""Real sites for upload tests: gunicorn on loopback, a database of their own, and machines that upload to them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2  # type: ignore[import-untyped]

from engines.host import PROJECT_ROOT
from engines.run_record import RunRecord
from tests.runs.upload.uploading import LOOPBACK, free_port, write_spool

WAIT_SECONDS = 120
_DATABASE = f"benchsite_uploads_{os.getpid()}"
_MAKE_USERS = """
import json
from django.contrib.auth.models import User
from runs.services import tokens
users = {name: User.objects.create_user(name) for name in ("ada", "bob")}
secrets = {
    "ada": tokens.make_token(user=users["ada"], name="all of Ada's", can_upload=True)[1],
    "bob": tokens.make_token(user=users["bob"], name="one of Bob's", can_upload=True, machines=["lab-2"])[1],
}
print("TOKENS " + json.dumps(secrets))
"""


def environment(var: Path, **changes: str) -> dict[str, str]:
    """Of a process that has this var folder, and no database or token that this one may have."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "BENCHSITE_TOKEN")}
    return kept | {"BENCHSITE_VAR": str(var)} | changes


@dataclass
class Site:
    """`tokens` are secrets by user name."""

    var: Path
    database_url: str
    port: int = field(default_factory=free_port)
    tokens: dict[str, str] = field(default_factory=dict)
    _server: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def manage(self, *words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        variables = environment(self.var, DATABASE_URL=self.database_url)
        done = subprocess.run(
            command, cwd=PROJECT_ROOT, env=variables, capture_output=True, text=True, timeout=WAIT_SECONDS
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def set_up(self) -> None:
        self.manage("migrate", "--verbosity", "0")
        said = self.manage("shell", "--verbosity", "0", "-c", _MAKE_USERS)
        self.tokens = json.loads(said.split("TOKENS ")[1])

    def start(self, workers: int = 2) -> None:
        """In a process group of its own, which dies as a whole."""
        command = [sys.executable, "-W", "ignore", "-m", "gunicorn", "tests.runs.upload.server"]
        command += ["--bind", f"{LOOPBACK}:{self.port}", "--workers", str(workers), "--log-level", "error"]
        variables = environment(self.var, DATABASE_URL=self.database_url)
        self._server = subprocess.Popen(command, cwd=PROJECT_ROOT, env=variables, start_new_session=True)
        deadline = time.monotonic() + WAIT_SECONDS
        while not self._listens():
            assert self._server.poll() is None, "the server ended at once"
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.05)

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self.port), timeout=1):
            return True
        return False

    def stop(self) -> None:
        """Without notice."""
        if self._server is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()
            self._server = None

    def wait_for_death(self) -> None:
        assert self._server is not None
        self._server.wait(WAIT_SECONDS)
        self._server = None

    def read(self, path: str) -> bytes:
        with urllib.request.urlopen(f"{self.address}{path}", timeout=WAIT_SECONDS) as answer:
            content: bytes = answer.read()
        return content

    def runs(self, experiment: str) -> list[str]:
        """The ids of all runs of the experiment with this slug, however often each is stored."""
        text = self.read(f"/api/v1/runs/?experiment={experiment}&format=jsonl")
        return sorted(json.loads(line)["run_id"] for line in text.splitlines())

    def summaries(self) -> list[dict[str, Any]]:
        lines = self.read("/api/v1/summaries/?format=jsonl").splitlines()
        rows = [json.loads(line) for line in lines]
        return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


@contextlib.contextmanager
def site_in(var: Path) -> Iterator[Site]:
    """On the kind of database that the other tests run on: a fresh one on the same server, else a file."""
    url = os.environ.get("DATABASE_URL", "")
    context = _postgres_database(url) if url.startswith("postgres") else contextlib.nullcontext(_sqlite(var))
    with context as database_url:
        site = Site(var, database_url)
        site.set_up()
        try:
            yield site
        finally:
            site.stop()


def _sqlite(var: Path) -> str:
    return f"sqlite:///{var / 'db.sqlite3'}"


@contextlib.contextmanager
def _postgres_database(url: str) -> Iterator[str]:
    connection = psycopg2.connect(_dsn(url))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {_DATABASE}")
            yield f"{url.rsplit('/', 1)[0]}/{_DATABASE}"
            cursor.execute(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)")
    finally:
        connection.close()


def _dsn(url: str) -> str:
    """`postgres://user@//socket/folder/name` is how Django's settings name a server on a Unix socket."""
    head, _, name = url.rpartition("/")
    place = head.partition("@")[2]
    if not place.startswith("/"):
        return url
    user = head.partition("://")[2].partition("@")[0]
    return f"host={place.removeprefix('/')} user={user} dbname={name}"


# ---------------------------------------------------------------- machines


@dataclass(frozen=True)
class Uploader:
    """A machine's own installation: a var folder with a spool and a token."""

    var: Path

    def measured(self, *records: RunRecord, name: str = "quick") -> None:
        write_spool(self.var / "spool", *records, name=name)

    def begin(self, address: str, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "manage.py", "uploadruns", address, *options]
        return subprocess.Popen(
            command,
            cwd=PROJECT_ROOT,
            env=environment(self.var),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def upload(self, address: str, *options: str) -> dict[str, Any]:
        """The count. The command must end well."""
        return counted(self.begin(address, "--json", *options))


def counted(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, errors = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 0, errors
    count: dict[str, Any] = json.loads(output)
    return count


def uploader_in(var: Path, secret: str) -> Uploader:
    var.mkdir(parents=True, exist_ok=True)
    (var / "token").write_text(secret + "\n")
    (var / "token").chmod(0o600)
    return Uploader(var)


def ids(records: Sequence[RunRecord]) -> list[str]:
    return sorted(record.run_id for record in records)
