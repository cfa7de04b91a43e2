"""A machine's agent: `dask worker`, told to be quiet. For both sides of a fleet: standard library alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
QUIET = Path(__file__).parent / "carrier" / "quiet.yaml"
CERTIFICATE, KEY = "fleet-certificate.pem", "fleet-key.pem"


def resource(machine: str) -> str:
    """By what a machine's tasks find it: a machine that comes back has another address, and the same resource."""
    return "machine:" + plain(machine)


def resources_of(machine: str) -> str:
    """`bench` is there once: one task at a time."""
    return f"bench=1 {resource(machine)}=1"


def plain(name: str) -> str:
    """Without what would end a name in a resource or a path: blanks, slashes, equals signs."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)


def worker_command(python: Path, address: str, machine: str, keys: Path) -> list[str]:
    """One task at a time, no process beside it, and an end where no scheduler answers for a minute."""
    return [
        *(str(python), "-m", "distributed.cli.dask_worker", address),
        *("--name", machine, "--nthreads", "1", "--no-nanny", "--no-dashboard"),
        *("--resources", resources_of(machine), "--death-timeout", "60"),
        *("--tls-ca-file", str(keys / CERTIFICATE), "--tls-cert", str(keys / CERTIFICATE)),
        *("--tls-key", str(keys / KEY)),
    ]


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """What a process of the fleet's environment needs: this project on its path, and the quiet configuration."""
    var = Path(own.get("BENCHSITE_VAR") or ROOT / "var")
    ours = {"PYTHONPATH": str(ROOT), "DASK_CONFIG": str(QUIET), "PYTHONUNBUFFERED": "1"}
    return {**own, **ours, "DASK_TEMPORARY_DIRECTORY": str(var / "fleet")}
