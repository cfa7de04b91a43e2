"""The site's secret key, made once per installation."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key


def read_or_make_secret_key(path: Path) -> str:
    """The key in `path`; a new one, readable by its owner alone, where there is none yet.

    Settings are read before anything could translate an error, so one sentence ends the process here.
    """
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_once(path, get_random_secret_key())
        return path.read_text().strip()
    except OSError as error:
        raise SystemExit(
            f"{path.parent} cannot be used: {error.strerror}. Fix that, or name another folder in BENCHSITE_VAR."
        ) from None


def _write_once(path: Path, key: str) -> None:
    """Two processes that start together agree on one key: the first link wins, and no one reads half a file."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(key)
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
