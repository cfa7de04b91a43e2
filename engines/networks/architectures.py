"""Which architectures there are: the modules of this folder that have an `ARCHITECTURE`."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from engines.contract import NetworkType
from engines.networks.architecture import Architecture

FOLDER = Path(__file__).parent
SHARED_FILES = ("architecture.py", "architectures.py", "kinds/layer.py", "layouts.py", "recurrent.py", "work.py")
"""What the numbers of every architecture depend on, beside its own file and those of its kinds of layers."""


def _found() -> dict[NetworkType, Architecture]:
    names = (module.name for module in pkgutil.iter_modules([str(FOLDER)]) if not module.ispkg)
    modules = (import_module(f"engines.networks.{name}") for name in names if f"{name}.py" not in SHARED_FILES)
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
