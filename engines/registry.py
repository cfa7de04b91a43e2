"""Which engines there are. Nothing here imports a framework."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engines.contract import Device, Track
from engines.errors import UnsupportedError

ENGINES_FOLDER = Path(__file__).parent
# What every engine's numbers depend on, beside its own file: a change here makes old runs another engine's.
_SHARED_FILES = ("networks.py", "backends.py", "timing.py")


@dataclass(frozen=True)
class EngineInfo:
    """`framework` is both the import name and the file in `frameworks/`; `package` is what its version is read from."""

    slug: str
    title: str
    abbreviation: str
    framework: str
    backend: str
    environment: str
    package: str
    tracks: tuple[Track, ...] = ("idiomatic",)
    devices: tuple[Device, ...] = ("cpu", "gpu")

    @property
    def is_keras(self) -> bool:
        return self.framework == "keras"


_ALL = (
    EngineInfo("theano", "Theano", "th", "theano", "theano", "theano", "theano"),
    EngineInfo("tensorflow", "TensorFlow", "tf", "tensorflow", "tensorflow", "tensorflow", "tensorflow"),
    EngineInfo("keras-theano", "Keras · Theano", "kth", "keras", "theano", "theano", "keras"),
    EngineInfo("keras-tensorflow", "Keras · TensorFlow", "ktf", "keras", "tensorflow", "tensorflow", "keras"),
)
ENGINES: dict[str, EngineInfo] = {engine.slug: engine for engine in _ALL}
BY_ABBREVIATION: dict[str, EngineInfo] = {engine.abbreviation: engine for engine in _ALL}


def find(name: str) -> EngineInfo:
    """By slug or abbreviation; raises UnsupportedError naming the known ones."""
    engine = ENGINES.get(name) or BY_ABBREVIATION.get(name)
    if engine is None:
        known = ", ".join(f"{info.slug} ({info.abbreviation})" for info in _ALL)
        raise UnsupportedError(f"There is no engine {name!r}. Known engines: {known}.")
    return engine


@cache
def code_hash(slug: str) -> str:
    """Hash of the engine's own file and of what shapes its numbers: the identity of its code."""
    digest = hashlib.sha256()
    for name in (f"frameworks/{find(slug).framework}.py", *_SHARED_FILES):
        digest.update((ENGINES_FOLDER / name).read_bytes())
    return digest.hexdigest()[:32]
