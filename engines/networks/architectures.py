"""Which architectures there are: the modules of this folder that have an `ARCHITECTURE`."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from engines.contract import NetworkType
from engines.networks.architecture import Architecture

FOLDER = Path(__file__).parent
SHARED_FILES = ("architecture.py", "architectures.py", "layer_kinds.py", "layouts.py", "work.py")
"""What the numbers of every architecture depend on."""


def _found() -> dict[NetworkType, Architecture]:
    names = (name for _, name, _ in pkgutil.iter_modules([str(FOLDER)]) if f"{name}.py" not in SHARED_FILES)
    modules = (import_module(f"engines.networks.{name}") for name in names)
    found: list[Architecture] = [module.ARCHITECTURE for module in modules]
    return {each.type: each for each in sorted(found, key=lambda each: (each.place, each.type))}


ARCHITECTURES: Mapping[NetworkType, Architecture] = _found()
"""By type, the study's first."""


def of_type(network_type: str) -> Architecture:
    """Raises ValueError naming the known ones."""
    found = next((each for each in ARCHITECTURES.values() if each.type == network_type), None)
    if found is None:
        raise ValueError(f"There is no network type {network_type!r}. Known types: {', '.join(ARCHITECTURES)}.")
    return found


def files_of(network_type: NetworkType) -> list[Path]:
    """What the numbers of one architecture's networks depend on; no other architecture's file is among them."""
    return [FOLDER / f"{of_type(network_type).layers.__module__.rpartition('.')[2]}.py"] + [
        FOLDER / name for name in SHARED_FILES
    ]
