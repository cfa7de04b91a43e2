"""Engines of other packages: declared by entry points of the group `benchsite.engines`, and never a reason to fail.

The host reads them all. A worker is handed the one that it is to train: nothing else of the host's packages may reach
it, and what happens to be installed beside its framework is none of its business.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from engines.declarations import CHOICES, DeclarationError, EngineInfo, engine_from

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "benchsite.engines"
HANDED_OVER = "BENCHSITE_PLUG_IN"
"""The variable in which a worker finds its plug-in's declaration as JSON; empty if its engine is one of ours."""


@dataclass(frozen=True)
class Found:
    """The engines that can be offered beside our own, and why others are left out, a sentence for each."""

    engines: tuple[EngineInfo, ...] = ()
    problems: tuple[str, ...] = ()


def found(own: Sequence[EngineInfo]) -> Found:
    """`own` are the engines of this repository, whose names are taken."""
    handed_over = os.environ.get(HANDED_OVER)
    if handed_over is not None:
        return Found((_from_json(handed_over),) if handed_over else ())
    return _agreeing(_declared(), own)


# ---------------------------------------------------------------- what is declared


def _declared() -> dict[str, EngineInfo | DeclarationError]:
    """By what an entry point is called and points at."""
    from importlib.metadata import entry_points  # a worker does without

    points = sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value))
    return {f"{point.name} ({point.value})": _read(point) for point in points}


def _read(point: EntryPoint) -> EngineInfo | DeclarationError:
    """Whatever another package's module does when it is imported, the rest goes on."""
    try:
        declared = point.load()
    except (Exception, SystemExit) as error:
        return DeclarationError(f"it cannot be imported ({type(error).__name__}: {error})")
    try:
        return _located(engine_from(declared))
    except DeclarationError as error:
        return error


def _located(info: EngineInfo) -> EngineInfo:
    location = _location(info.module)
    own = info.own_environment
    if own:
        lock = (location if location.is_dir() else location.parent) / own.lock
        if not lock.is_file():
            raise DeclarationError(f"environment.lock is {own.lock!r}, which is no file of the plug-in")
        own = dataclasses.replace(own, lock=str(lock))
    return dataclasses.replace(info, location=str(location), own_environment=own)


def _location(module: str) -> Path:
    """The top-level package's folder, or its file, found without importing the module itself."""
    top, _, rest = module.partition(".")
    spec = find_spec(top)
    folders = [Path(each) for each in (spec.submodule_search_locations or ())] if spec else []
    for folder in folders:
        inside = folder.joinpath(*rest.split(".")) if rest else folder
        if inside.with_suffix(".py").is_file() or (inside / "__init__.py").is_file():
            return folder
    if spec and spec.origin and not folders and not rest:
        return Path(spec.origin)
    raise DeclarationError(f"module is {module!r}, which is not there")


# ---------------------------------------------------------------- what goes together


def _agreeing(declared: dict[str, EngineInfo | DeclarationError], own: Sequence[EngineInfo]) -> Found:
    """Names are given once, first to our own engines; an environment is one of ours, or comes with an engine."""
    engines: list[EngineInfo] = []
    problems: list[str] = []
    for name, info in sorted(declared.items(), key=lambda item: not _brings_environment(item[1])):
        reason = str(info) if isinstance(info, DeclarationError) else _why_not(info, [*own, *engines])
        if reason:
            problems.append(f"The engine plug-in {name} is left out: {reason}. Fix or uninstall it.")
        elif isinstance(info, EngineInfo):
            engines.append(info)
    return Found(tuple(engines), tuple(problems))


def _brings_environment(info: EngineInfo | DeclarationError) -> bool:
    return isinstance(info, EngineInfo) and info.own_environment is not None


def _why_not(info: EngineInfo, others: Sequence[EngineInfo]) -> str:
    taken = {name: other for other in others for name in (other.slug, other.abbreviation)}
    for field in ("slug", "abbreviation"):
        name = getattr(info, field)
        if name in taken:
            return f"{field} is {name!r}, which {taken[name].title} has"
    environments = {each.environment for each in others}
    if not info.own_environment and info.environment not in environments:
        return f"environment is {info.environment!r}, known: {', '.join(sorted(environments))}"
    return ""


# ---------------------------------------------------------------- to a worker


def handed_over(info: EngineInfo | None, scratch: Path) -> tuple[dict[str, str], list[str]]:
    """Variables for the worker of this engine, and folders to import from: one with a link to the plug-in alone."""
    if info is None or not info.is_plug_in:
        return {HANDED_OVER: ""}, []
    folder, location = scratch / "plug-in", Path(info.location)
    folder.mkdir()
    (folder / location.name).symlink_to(location)
    return {HANDED_OVER: json.dumps(dataclasses.asdict(dataclasses.replace(info, own_environment=None)))}, [str(folder)]


def _from_json(text: str) -> EngineInfo:
    document = json.loads(text)
    del document["replication"]  # a plug-in has none to declare
    return EngineInfo(**{**document, **{name: tuple(document[name]) for name in CHOICES}})


def files_of(info: EngineInfo) -> list[Path]:
    """A plug-in's Python files: its engine may be spread over several."""
    location = Path(info.location)
    return sorted(location.rglob("*.py")) if location.is_dir() else [location]
