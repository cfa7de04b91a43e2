"""`make load`: how fast uploads and reads are, with as many runs as a busy laboratory has in years. Not a test.

Starts its own PostgreSQL and gunicorn, on a socket file and on loopback; uses no other database and leaves nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence

from tests.postgres import database_server

DATABASES = ("postgresql", "sqlite")
PARTS = ("uploads", "stages", "hot-cells", "upgrade", "packing", "reads")


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__.splitlines()[0])
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=list(DATABASES))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--sizes", nargs="+", type=int, default=[10_000, 100_000, 1_000_000], help="runs to read among")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 100, 1000], help="records in an upload")
    parser.add_argument("--seconds", type=float, default=8, help="of each upload measurement")
    parser.add_argument("--rounds", type=int, default=100, help="how often each address is read at most")
    parser.add_argument("--read-seconds", type=float, default=300, help="of reads at each size, about")
    parser.add_argument("--upgrade", type=int, default=100_000, help="runs of a site that is upgraded")
    parser.add_argument("--packing", type=int, default=100_000, help="runs of a site that is packed")
    parser.add_argument("--here", action="store_true", help="on the database that DATABASE_URL names")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    asked = _arguments(words)
    if asked.here:
        return _measure(asked)
    for database in asked.databases:
        with _environment(database) as environment:
            command = [sys.executable, "-m", "tests.load", "--here", *words]
            if code := subprocess.run(command, env=environment).returncode:
                return code
    return 0


def _measure(asked: argparse.Namespace) -> int:
    import django

    django.setup()
    from tests.load.session import measure

    measure(asked)
    return 0


@contextlib.contextmanager
def _environment(database: str) -> Iterator[dict[str, str]]:
    """A folder and a database of its own, and no limit to calls that would be met."""
    with tempfile.TemporaryDirectory(prefix="benchsite-load-") as folder, contextlib.ExitStack() as stack:
        url = (
            stack.enter_context(database_server(durable=True)) if database == "postgresql" else f"sqlite:///{folder}/db"
        )
        yield os.environ | {
            "DJANGO_SETTINGS_MODULE": "benchsite.settings",
            "DATABASE_URL": url,
            "BENCHSITE_VAR": folder,
            "BENCHSITE_CALLS_PER_TOKEN": "10000000",
            "BENCHSITE_CALLS_PER_ADDRESS": "10000000",
            "DEBUG": "off",
        }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
