"""What is said of an engine without importing its framework: by our own table, or by another package's declaration."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from engines.contract import Device, NetworkType, Task, Track


@dataclass(frozen=True)
class Replication:
    """How an engine trains replicas, and in which tracks: on devices of one process, or each in a process, a rank."""

    kind: Literal["no", "devices", "ranks"] = "no"
    tracks: tuple[Track, ...] = ()
    why_not: str = "It does not say how it trains several replicas."


class DeclarationError(ValueError):
    """A declaration that does not fit; the text names the field and what is allowed."""


@dataclass(frozen=True)
class EnvironmentDeclaration:
    """An environment that a plug-in brings for its engine; it is named as the engine. `lock` is a file's path.

    `unhashed` are exact pins that the lock leaves out, installed after it.
    """

    title: str
    pythons: tuple[str, ...]
    lock: str
    download_mb: int
    disk_mb: int
    unhashed: tuple[str, ...] = ()


@dataclass(frozen=True)
class EngineInfo:
    """`framework` is both the import name and the file in `frameworks/`; `package` is what its version is read from.

    A plug-in's engine is in `module`, and its top-level package or file at `location`.
    """

    slug: str
    title: str
    abbreviation: str
    framework: str
    backend: str
    environment: str
    package: str
    tracks: tuple[Track, ...] = ("idiomatic",)
    devices: tuple[Device, ...] = ("cpu", "gpu")
    tasks: tuple[Task, ...] = ("train", "infer")
    families: tuple[NetworkType, ...] = get_args(NetworkType)
    replication: Replication = Replication()
    module: str = ""
    location: str = ""
    own_environment: EnvironmentDeclaration | None = None

    @property
    def is_keras(self) -> bool:
        return self.framework == "keras"

    @property
    def is_plug_in(self) -> bool:
        return bool(self.location)

    @property
    def engine_module(self) -> str:
        """Where its class `Engine` is."""
        return self.module or f"engines.frameworks.{self.framework}"


# ---------------------------------------------------------------- another package's declaration

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SHORT = re.compile(r"[a-z0-9]{1,12}")
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_LINE = re.compile(r"\S.{0,99}")
_PYTHON = re.compile(r"3\.\d+")
_PIN = re.compile(r"[A-Za-z0-9][\w.-]*==[\w.+!-]+")
_TEXTS = {
    "slug": (_NAME, "small letters, digits and single hyphens"),
    "title": (_LINE, "1 to 100 characters in one line"),
    "abbreviation": (_SHORT, "1 to 12 small letters and digits"),
    "framework": (_DOTTED, "a name to import"),
    "backend": (_DOTTED, "a name to import"),
    "package": (_LINE, "a package's name"),
    "module": (_DOTTED, "a module of the plug-in"),
}
_NEEDED = ("slug", "title", "abbreviation", "framework", "module", "environment")
CHOICES = {"tracks": Track, "devices": Device, "tasks": Task, "families": NetworkType}
_OFFERED = (*_TEXTS, "environment", *CHOICES)


_DEFAULTS: dict[str, tuple[str, ...]] = {
    "tracks": ("idiomatic",),
    "devices": ("cpu",),
    "tasks": ("train",),
    "families": get_args(NetworkType),
}


def engine_from(declared: object) -> EngineInfo:
    """The engine that a mapping or an EngineInfo declares. Raises DeclarationError."""
    declared = _mapping_of(declared) if isinstance(declared, EngineInfo) else declared
    values = _fields(declared, _OFFERED, _NEEDED, "the declaration")
    values = {**_DEFAULTS, "backend": values["framework"], "package": values["framework"], **values}
    texts: dict[str, Any] = {name: _text(values, name, *rule) for name, rule in _TEXTS.items()}
    choices: dict[str, Any] = {name: _some_of(values[name], get_args(known), name) for name, known in CHOICES.items()}
    environment = values["environment"]
    if texts["slug"].endswith("-gpu"):  # such are our environments' GPU builds called
        raise DeclarationError("slug must not end in -gpu")
    own = None if isinstance(environment, str) else environment_from(environment)
    return EngineInfo(
        **texts,
        **choices,
        environment=texts["slug"] if own else str(environment),
        own_environment=own,
    )


def environment_from(declared: object) -> EnvironmentDeclaration:
    """Raises DeclarationError."""
    names = tuple(field.name for field in dataclasses.fields(EnvironmentDeclaration))
    needed = tuple(name for name in names if name != "unhashed")
    values = {"unhashed": [], **_fields(declared, names, needed, "environment")}
    return EnvironmentDeclaration(
        title=_text(values, "title", _LINE, "1 to 100 characters in one line"),
        pythons=tuple(_text({"pythons": each}, "pythons", _PYTHON, "as '3.12'") for each in _list(values, "pythons")),
        lock=_text(values, "lock", _LINE, "a path in the plug-in's package"),
        download_mb=_whole(values, "download_mb"),
        disk_mb=_whole(values, "disk_mb"),
        unhashed=tuple(
            _text({"unhashed": each}, "unhashed", _PIN, "as 'torch==2.13.0'") for each in values["unhashed"]
        ),
    )


def _mapping_of(info: EngineInfo) -> dict[str, Any]:
    values = {name: getattr(info, name) for name in _OFFERED}
    return {**values, "environment": vars(info.own_environment) if info.own_environment else info.environment}


def _fields(declared: object, offered: Iterable[str], needed: Iterable[str], what: str) -> dict[str, Any]:
    if not isinstance(declared, Mapping):
        raise DeclarationError(f"{what} is a {type(declared).__name__}, allowed: a mapping")
    unknown = [str(name) for name in declared if name not in offered]
    missing = [name for name in needed if name not in declared]
    if unknown:
        raise DeclarationError(f"{what} has no field {', '.join(unknown)}; it has: {', '.join(offered)}")
    if missing:
        raise DeclarationError(f"{what} lacks {', '.join(missing)}")
    return dict(declared)


def _text(values: Mapping[str, Any], name: str, pattern: re.Pattern[str], allowed: str) -> str:
    value = values[name]
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise DeclarationError(f"{name} is {value!r}, allowed: {allowed}")
    return value


def _list(values: Mapping[str, Any], name: str) -> list[Any]:
    value = values[name]
    if not isinstance(value, (list, tuple)) or not value:
        raise DeclarationError(f"{name} is {value!r}, allowed: a list of one or more")
    return list(value)


def _some_of(value: object, known: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    wanted = _list({name: value}, name)
    if any(each not in known for each in wanted):
        raise DeclarationError(f"{name} is {value!r}, allowed: some of {', '.join(known)}")
    return tuple(each for each in known if each in wanted)


def _whole(values: Mapping[str, Any], name: str) -> int:
    value = values[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise DeclarationError(f"{name} is {value!r}, allowed: a whole number from 0")
    return value
