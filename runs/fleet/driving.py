"""Starting the driver in the fleet's environment, and hearing what it tells. It ends when we do."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engines.host import PROJECT_ROOT
from runs.errors import RunsError
from runs.fleet import environment
from runs.fleet.workers import CERTIFICATE, KEY
from runs.fleet.workers import environment as variables


def check_keys(folder: Path) -> None:
    """Raises RunsError that says what to type."""
    if not all((folder / name).is_file() for name in (CERTIFICATE, KEY)):
        raise RunsError(
            f"{folder} has no {CERTIFICATE} and {KEY}. Once for the fleet, type: python manage.py fleet keys; then "
            "copy both to the same folder on every machine (docs/fleet.md)."
        )


def make_keys(folder: Path) -> None:
    """Raises RunsError where there are some, which machines may be using."""
    if any((folder / name).exists() for name in (CERTIFICATE, KEY)):
        raise RunsError(f"{folder} has keys. To make new ones for the whole fleet, delete them first.")
    command = [str(environment.python()), "-m", "runs.fleet.carrier.security", str(folder)]
    made = subprocess.run(command, cwd=PROJECT_ROOT, env=variables(os.environ), capture_output=True, text=True)
    if made.returncode:
        raise RunsError(f"The keys could not be made: {(made.stderr.strip().splitlines() or ['no reason given'])[-1]}")


@contextmanager
def driver(request: Mapping[str, Any], log: Path) -> Iterator[Iterator[dict[str, Any]]]:
    """What the driver tells, event by event, until it ends. What Dask itself says goes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [str(environment.python()), "-m", "runs.fleet.carrier.driver"],
            cwd=PROJECT_ROOT,
            env=variables(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is ours to answer
        )
    assert process.stdin, "a pipe"
    assert process.stdout, "a pipe"
    try:
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        yield (json.loads(line) for line in process.stdout)
    except BrokenPipeError:
        raise RunsError(f"The driver ended at once. Its reason is in {log}.") from None
    finally:
        process.stdin.close()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
