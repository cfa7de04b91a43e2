"""Environments that only look installed."""

from __future__ import annotations

import sys
from pathlib import Path

from engines.environments.environments import EnvironmentInfo


def ignore(text: str) -> None:
    """Say nothing."""


def pretend_installed(info: EnvironmentInfo, python: Path = Path(sys.executable)) -> None:
    info.python.parent.mkdir(parents=True)
    info.python.symlink_to(python)
    info.stamp.write_text(info.lock_sha256 + "\n")
