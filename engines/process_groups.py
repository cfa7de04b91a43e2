"""How much processor time a process and all that it started have used. Linux tells; elsewhere nobody does."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")
_GROUP, _USER, _CHILDREN_SYSTEM = 2, 11, 14
"""Places in /proc/PID/stat after the command's name: the group, and the four times of the process and its children."""


def cpu_seconds(group: int) -> float | None:
    """Of every process in the group that is alive, and of their children that ended. None where the system hides it."""
    try:
        texts = [_stat(folder) for folder in _PROC.iterdir() if folder.name.isdigit()]
    except OSError:
        return None
    fields = [text.rpartition(")")[2].split() for text in texts if text]
    ticks = sum(
        sum(map(int, each[_USER : _CHILDREN_SYSTEM + 1])) for each in fields if each and int(each[_GROUP]) == group
    )
    return ticks / os.sysconf("SC_CLK_TCK") if fields else None


def _stat(folder: Path) -> str:
    try:
        return (folder / "stat").read_text()
    except OSError:  # it ended meanwhile
        return ""
