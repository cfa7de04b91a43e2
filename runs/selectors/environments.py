"""The software of environments, read once: a row's hash says what is in it, so that what was read stays true.

Rows are asked for their hashes alone; the long lists of packages only where a hash is new to this process.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from runs.models import Environment

_MOST_KEPT = 5_000


@dataclass(frozen=True)
class Known:
    """What an Environment's row says, but for its key."""

    name: str
    sha256: str
    python: str
    packages: dict[str, str]
    facts: dict[str, str]


_known: dict[str, Known] = {}


def environments(keys: Iterable[int]) -> dict[int, Known]:
    """By primary key."""
    hashes = dict(Environment.objects.filter(pk__in=set(keys)).order_by().values_list("pk", "sha256"))
    missing = [sha256 for sha256 in hashes.values() if sha256 not in _known]
    if missing:
        if len(_known) + len(missing) > _MOST_KEPT:
            _known.clear()
            missing = list(hashes.values())
        columns = ("name", "sha256", "python", "packages", "facts")
        for values in Environment.objects.filter(sha256__in=missing).order_by().values_list(*columns):
            _known[values[1]] = Known(*values)
    return {key: _known[sha256] for key, sha256 in hashes.items()}


def known_by_hash(sha256: str) -> Known:
    """One that `environments` has just given."""
    return _known[sha256]
