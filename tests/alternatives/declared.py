"""What `make alternatives` times: an engine's tracks, and what was tried instead of something in them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engines import registry
from engines.contract import NetworkType, Track


@dataclass(frozen=True)
class Alternative:
    """A track with one thing done otherwise: by a subclass of its Engine, or by variables set before the import.

    In a variable, `{}` stands for the value that the engine sets.
    """

    name: str
    engine: type[Any]
    track: Track = "tuned"
    networks: tuple[NetworkType, ...] = ("mlp", "cnn")
    variables: Mapping[str, str] = field(default_factory=dict)

    def told(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The engine's own variables, changed."""
        changed = {name: text.replace("{}", variables.get(name, "")) for name, text in self.variables.items()}
        return {**variables, **changed}


def declared(slug: str) -> tuple[Alternative, ...]:
    """The engine's tracks, idiomatic first, then the alternatives in this folder's module for its framework."""
    info = registry.find(slug)
    engine = importlib.import_module(info.engine_module).Engine
    tracks = tuple(Alternative(track, engine, track) for track in info.tracks)
    module = importlib.import_module(f"{__package__}.{info.framework}")
    others: Mapping[str, tuple[Alternative, ...]] = module.ALTERNATIVES
    return (*tracks, *others[info.slug])


def find(slug: str, name: str) -> Alternative:
    return next(alternative for alternative in declared(slug) if alternative.name == name)
