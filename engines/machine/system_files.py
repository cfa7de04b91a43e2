"""Small files that the kernel offers. What is missing, forbidden or garbled reads as None and never raises."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def read(path: Path) -> str | None:
    """The stripped text, None if it cannot be had or is empty."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n\t ") or None
    except (OSError, ValueError):
        return None


def read_integer(path: Path) -> int | None:
    try:
        return int(read(path) or "")
    except ValueError:
        return None


def matching(folder: Path, pattern: str) -> list[Path]:
    """Sorted; empty if the folder is missing or closed."""
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def first_told(paths: Iterable[Path]) -> str | None:
    return next((text for path in paths if (text := read(path)) is not None), None)
