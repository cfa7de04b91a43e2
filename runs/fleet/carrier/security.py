"""TLS between driver and machines: one certificate, which whoever belongs to the fleet has, and nobody else.

`python -m runs.fleet.carrier.security FOLDER` makes it, with Dask's own means.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from distributed.security import Security

from runs.fleet.workers import CERTIFICATE, KEY


def make(folder: Path) -> None:
    """A certificate for a year and its key, which only this user can read. Leaves what is there alone."""
    made = Security.temporary()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, text in ((CERTIFICATE, made.tls_ca_file), (KEY, made.tls_client_key)):
        with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)


def of(folder: Path) -> Security:
    """What all roles of a fleet show each other; unencrypted connections are refused."""
    certificate, key = str(folder / CERTIFICATE), str(folder / KEY)
    roles = ("client", "scheduler", "worker")
    return Security(
        require_encryption=True,
        tls_ca_file=certificate,
        **{f"tls_{role}_cert": certificate for role in roles},
        **{f"tls_{role}_key": key for role in roles},
    )


if __name__ == "__main__":
    make(Path(sys.argv[1]))
