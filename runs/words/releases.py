"""Releases of an engine: its framework's version, and of what stands on another framework that one's, too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from packaging.version import InvalidVersion, Version

from engines.registry import ENGINES
from runs.words.engines import engine_title

SEPARATOR = ", "
_BUILDS = ("", "-cpu", "-gpu")
_LOCAL = re.compile(r"local-[0-9a-f]+")


def release_of(engine: str, packages: Mapping[str, str], facts: Mapping[str, str], *, otherwise: str) -> str:
    """`jax 0.10.2`; `keras 3.15.1, jax 0.10.2`. The same for a CPU and a GPU build, which share their version.

    What was built from a wheel or sources of the user's own says so: its version may be anyone's.
    """
    info = ENGINES.get(engine)
    names = dict.fromkeys([info.package, info.backend]) if info else {}
    found = [f"{name} {version}" for name in names if (version := _version(name, packages))]
    built = _LOCAL.search(facts.get("built from", ""))
    words = SEPARATOR.join(found) or otherwise
    return f"{words} ({built[0]})" if built else words


def _version(name: str, packages: Mapping[str, str]) -> str:
    """Without the build: 2.13.0+cpu is 2.13.0."""
    found = next((packages[name + build] for build in _BUILDS if name + build in packages), "")
    return found.partition("+")[0]


def release_words(release: str) -> str:
    """What follows an engine's name: `0.10.2`; `3.15.1 · jax 0.10.2`."""
    first, *rest = release.split(SEPARATOR)
    return " · ".join([first.partition(" ")[2] or first, *rest])


def release_title(engine: str, release: str) -> str:
    """`PyTorch 2.13.0`; `Keras · JAX 3.15.1 · jax 0.10.2`."""
    return f"{engine_title(engine)} {release_words(release)}"


@lru_cache(maxsize=10_000)
def release_key(release: str) -> tuple[tuple[Version, ...], str]:
    """Their order: by version, part by part; a build of one's own comes after what was published."""
    return tuple(_parsed(part) for part in release.split(SEPARATOR)), release


def _parsed(part: str) -> Version:
    text = part.partition(" ")[2].partition(" ")[0]
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0.dev0")
