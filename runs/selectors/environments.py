"""The software of environments, read once: a row's hash says what is in it, so that what was read stays true.

Rows are asked for their hashes alone; the long lists of packages only where a hash is new to this process.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from runs.models import Environment

_MOST_KEPT = 5_000


@dataclass(frozen=True, eq=False)
class Known:
    """What an Environment's row says; the same object as long as it is kept."""

    name: str
    sha256: str
    python: str
    packages: dict[str, str]
    facts: dict[str, str]


_known: dict[tuple[int, str], Known] = {}


def environments(keys: Iterable[int]) -> dict[int, Known]:
    """By primary key."""
    wanted = dict(Environment.objects.filter(pk__in=set(keys)).order_by().values_list("pk", "sha256"))
    missing = [key for key in wanted.items() if key not in _known]
    if missing:
        if len(_known) + len(missing) > _MOST_KEPT:
            _known.clear()
            missing = list(wanted.items())
        columns = ("name", "sha256", "python", "packages", "facts")
        rows = Environment.objects.filter(pk__in=[key for key, _ in missing]).order_by()
        for key, *values in rows.values_list("pk", *columns):
            _known[key, values[1]] = Known(*values)
    return {key: _known[key, sha256] for key, sha256 in wanted.items()}
