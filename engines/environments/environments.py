"""The engine environments: which there are, where each one's interpreter is, and what is installed in it.

Each is declared in environments.toml beside its lock file. It lies under `.environments/NAME`, and counts as
installed only with a stamp that holds the lock's hash, so half an installation or an old one is made again.
Instead of it the user can choose an interpreter that already has the framework.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tomllib

from engines import inheritance, registry
from engines.contract import Device, content_hash
from engines.declarations import EnvironmentDeclaration
from engines.errors import UnavailableError, UnsupportedError
from engines.registry import EngineInfo
from engines.run_record import Environment

ROOT = Path(__file__).resolve().parent.parent.parent
_DECLARED_IN = Path(__file__).with_name("environments.toml")
_STAMP = "benchsite-lock.sha256"
_DESCRIBE_TIMEOUT_SECONDS = 60

Origin = Literal["locked", "chosen", "missing"]


@dataclass(frozen=True)
class EnvironmentInfo:
    """One environment as declared; `gpu_build_of` names the one whose engines it serves on a GPU."""

    name: str
    title: str
    pythons: tuple[str, ...]
    download_mb: int
    disk_mb: int
    needs: tuple[str, ...] = ()
    spaces_in_path: bool = True
    gpu_build_of: str = ""
    unhashed: tuple[str, ...] = ()
    """Exact pins that the lock leaves out: of PyTorch, each platform has a build of its own under one version."""
    brought_lock: str = ""
    """The lock file of an environment that a plug-in brings, or of a release."""
    release_of: str = ""
    """The environment of which this is another release: see `releases`."""
    release: str = ""
    """Which, as the command line names it: `0.9.2`, `keras==3.14.0`, `local-1a2b3c4d`."""
    release_package: str = ""
    built_from: str = ""
    """The wheel or source folder of a release that nobody published."""
    own_folder: str = ""

    @property
    def lock(self) -> Path:
        return Path(self.brought_lock) if self.brought_lock else _DECLARED_IN.with_name(f"{self.name}.txt")

    @property
    def lock_sha256(self) -> str:
        """Of all that is pinned: the lock file, and what it leaves out."""
        return hashlib.sha256(self.lock.read_bytes() + "\n".join(self.unhashed).encode()).hexdigest()

    @property
    def folder(self) -> Path:
        return Path(self.own_folder) if self.own_folder else ROOT / ".environments" / self.name

    @property
    def python(self) -> Path:
        """Where the interpreter made from the lock is, or would be."""
        return self.folder / "bin" / "python"

    @property
    def stamp(self) -> Path:
        return self.folder / _STAMP

    @property
    def install_command(self) -> str:
        base = self.release_of or self.name
        gpu = " --gpu" if self.gpu_build_of else ""
        version = f" --version {self.built_from or self.release}" if self.release_of else ""
        return f"python manage.py engines install {self.gpu_build_of or base}{version}{gpu}"

    @property
    def engines(self) -> list[EngineInfo]:
        served = self.gpu_build_of or self.release_of or self.name
        return [engine for engine in registry.ENGINES.values() if engine.environment == served]


@functools.cache
def _environments() -> dict[str, EnvironmentInfo]:
    declared = tomllib.loads(_DECLARED_IN.read_text(encoding="utf-8"))
    brought = {
        info.environment: _brought(info.environment, info.own_environment)
        for info in registry.ENGINES.values()
        if info.own_environment
    }
    return {name: _declared(name, values) for name, values in declared.items()} | brought


def _declared(name: str, values: dict[str, Any]) -> EnvironmentInfo:
    frozen: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return EnvironmentInfo(name=name, **frozen)


def _brought(name: str, own: EnvironmentDeclaration) -> EnvironmentInfo:
    return EnvironmentInfo(
        name,
        own.title,
        own.pythons,
        own.download_mb,
        own.disk_mb,
        unhashed=own.unhashed,
        brought_lock=own.lock,
    )


def every() -> list[EnvironmentInfo]:
    return list(_environments().values())


def find(name: str, *, gpu: bool = False) -> EnvironmentInfo:
    """By its own name, an engine's slug or an abbreviation; with `gpu` its GPU build. Raises UnsupportedError."""
    known = _environments()
    base = known[name] if name in known else known[_engine(name).environment]
    if not gpu or base.gpu_build_of:
        return base
    build = gpu_build(base)
    if build is None:
        raise UnsupportedError(f"There is no GPU build of {base.title} to install.")
    return build


def _engine(name: str) -> EngineInfo:
    return registry.find(name)


def gpu_build(base: EnvironmentInfo) -> EnvironmentInfo | None:
    """The environment that serves the same engines on a GPU, if there is one."""
    return next((info for info in every() if info.gpu_build_of == base.name), None)


def environment_for(engine: EngineInfo, device: Device = "cpu") -> EnvironmentInfo:
    """The one that trains this engine on this device.

    A GPU build serves the GPU, and the CPU only where there is nothing else; a chosen interpreter goes before both.
    """
    base = _environments()[engine.environment]
    build = gpu_build(base)
    if build is None or origin(base) == "chosen" or origin(build) == "missing":
        return base
    return build if device == "gpu" or origin(base) == "missing" else base


# ---------------------------------------------------------------- where they are


def origin(environment: EnvironmentInfo) -> Origin:
    """`chosen` by the user, `locked` when installed from today's lock file, else `missing`."""
    if chosen(environment) is not None:
        return "chosen"
    return "locked" if is_installed(environment) else "missing"


def is_installed(environment: EnvironmentInfo) -> bool:
    return environment.python.exists() and _stamped(environment) == environment.lock_sha256


def _stamped(environment: EnvironmentInfo) -> str:
    try:
        return environment.stamp.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def python_of(environment: EnvironmentInfo) -> Path:
    """The interpreter to run. Raises UnavailableError that says what to type."""
    own = chosen(environment)
    if own is not None:
        if os.access(own, os.X_OK):
            return own
        raise UnavailableError(
            f"The interpreter chosen for {environment.name} is gone: {own}. Choose another with `python manage.py "
            f"engines use {environment.name} --python PATH`, or `python manage.py engines remove {environment.name}`."
        )
    if is_installed(environment):
        return environment.python
    raise UnavailableError(_why_missing(environment))


def _why_missing(environment: EnvironmentInfo) -> str:
    made_before = _stamped(environment) != ""
    what = "was made from an older lock file" if made_before else "is not installed"
    return f"The environment {environment.name} {what}. Type: {environment.install_command}"


# ---------------------------------------------------------------- what the user chose instead


def var_folder() -> Path:
    """Where this machine's own choices are kept."""
    return Path(os.environ.get("BENCHSITE_VAR") or ROOT / "var")


def _choices_file() -> Path:
    return var_folder() / "environments.json"


def _choices() -> dict[str, str]:
    try:
        choices = json.loads(_choices_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UnavailableError(f"{_choices_file()} cannot be read ({error}). Fix or delete it.") from error
    return dict(choices)


def chosen(environment: EnvironmentInfo) -> Path | None:
    """The interpreter that the user named for this environment."""
    path = _choices().get(environment.name)
    return Path(path) if path else None


def choose(environment: EnvironmentInfo, python: Path | None) -> None:
    """Remember the user's interpreter for this environment; None forgets it."""
    choices = {name: path for name, path in _choices().items() if name != environment.name}
    if python is not None:
        choices[environment.name] = str(python)
    file = _choices_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(choices, indent=2) + "\n", encoding="utf-8")
    draft.replace(file)


# ---------------------------------------------------------------- what is in them

_LISTING = """
import importlib.metadata, json, platform
packages = {}
for dist in importlib.metadata.distributions():
    packages.setdefault(dist.metadata["Name"], dist.version)  # the first on the path is the one that is imported
print(json.dumps({"python": platform.python_implementation() + " " + platform.python_version(), "packages": packages}))
"""
_NOT_OURS = ("pip",)  # who installed it does not change what runs


def describe(environment: EnvironmentInfo) -> Environment:
    """The exact software, without importing it. A missing environment is described as such."""
    origin_now = origin(environment)
    if origin_now == "missing":
        return Environment(environment.name, content_hash(environment.name), "missing")
    python, packages = _listing(python_of(environment))
    facts = {"compiler": compiler_version()} if "compiler" in environment.needs else {}
    if environment.built_from:
        facts["built from"] = f"{Path(environment.built_from).name} ({environment.release})"
    facts |= inheritance.recorded()
    sha256 = content_hash(python, packages, facts)
    return Environment(environment.name, sha256, origin_now, python, packages, facts)


def _listing(python: Path) -> tuple[str, dict[str, str]]:
    """Version of Python and of each package, by normalised name."""
    return _read_listing(python, _last_change(python))


def _last_change(python: Path) -> int:
    """Installing or removing a package touches its site-packages folder."""
    folders = [python.parent, *python.parent.parent.glob("lib/python3*/site-packages")]
    return max(folder.stat().st_mtime_ns for folder in folders)


@functools.lru_cache(maxsize=32)
def _read_listing(python: Path, _changed: int) -> tuple[str, dict[str, str]]:
    try:
        command = [str(python), "-I", "-c", _LISTING]
        result = subprocess.run(command, capture_output=True, text=True, timeout=_DESCRIBE_TIMEOUT_SECONDS, check=True)
        listing = json.loads(result.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise UnavailableError(f"{python} does not run as a Python interpreter ({type(error).__name__}).") from error
    packages = {_normalised(name): version for name, version in listing["packages"].items() if name}
    return listing["python"], {name: packages[name] for name in sorted(packages) if name not in _NOT_OURS}


def _normalised(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def compiler_version() -> str:
    """What `g++` says of itself, or `missing`."""
    if not shutil.which("g++"):
        return "missing"
    result = subprocess.run(["g++", "-dumpfullversion", "-dumpversion"], capture_output=True, text=True)
    return f"g++ {result.stdout.strip()}"
