"""Releases: an environment with another version of one of its packages, beside those that come with Benchsite.

Each is resolved once, by uv, from what the environment asks for: the named package changes, the rest stays as the lock
has it wherever it can. The lock, what it was made for, and the environment lie together in `var/releases`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from engines.contract import Device
from engines.environments import environments, interpreters
from engines.environments.environments import EnvironmentInfo, environment_for
from engines.environments.system import Say
from engines.errors import UnavailableError, UnsupportedError
from engines.registry import EngineInfo

_ASK_TIMEOUT_SECONDS = 300
_BUILDS = ("", "-cpu", "-gpu")
"""Builds of one framework go by several package names."""
_PREFIX = re.compile(r"\d+(\.\d+)*")


@dataclass(frozen=True)
class Wanted:
    """A release as the user names it: a version or the beginning of one, or a path to a wheel or a source folder."""

    package: str
    version: str = ""
    path: str = ""

    def __str__(self) -> str:
        return self.path or f"{self.package} {self.version}"


def wanted(engine: EngineInfo, text: str) -> Wanted:
    """`0.9`, `0.9.2`, `keras==3.14.0` or a path; a bare version is one of the engine's own package.

    Raises UnsupportedError.
    """
    if text.endswith(".whl") or os.sep in text:
        path = Path(text).expanduser().absolute()
        if not path.exists():
            raise UnsupportedError(f"There is no wheel or source folder {text}.")
        return Wanted(engine.package, path=str(path))
    package, _, version = text.rpartition("==")
    if not _PREFIX.match(version):
        raise UnsupportedError(
            f"{text!r} names no release of {engine.title}. Allowed: a version (0.9.2), the beginning of one (0.9), "
            f"{engine.package}==VERSION, or the path of a wheel or of a source folder."
        )
    return Wanted(canonicalize_name(package or engine.package), version)


# ---------------------------------------------------------------- those that are here


def _folder() -> Path:
    return environments.var_folder() / "releases"


def _described_in(name: str) -> Path:
    return _folder() / f"{name}.json"


def every() -> list[EnvironmentInfo]:
    """All that were resolved here, installed or not, by name."""
    found = (_read(path) for path in sorted(_folder().glob("*.json")))
    return [info for info in found if info is not None]


def _read(path: Path) -> EnvironmentInfo | None:
    """None for what another version of Benchsite, or another hand, left there."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        base = environments.find(document["release_of"])
        return _info(
            base, document["release"], document["package"], tuple(document["unhashed"]), document["built_from"]
        )
    except (OSError, ValueError, KeyError, UnsupportedError):
        return None


def _info(
    base: EnvironmentInfo, release: str, package: str, unhashed: tuple[str, ...], built_from: str = ""
) -> EnvironmentInfo:
    name = f"{base.name}@{release}"
    return dataclasses.replace(
        base,
        name=name,
        title=f"{base.title}, with {Path(built_from).name if built_from else release}",
        release_of=base.name,
        release=release,
        release_package=package,
        unhashed=unhashed,
        built_from=built_from,
        brought_lock=str(_folder() / f"{name}.txt"),
        own_folder=str(_folder() / name),
    )


def named(base: EnvironmentInfo, release: str) -> EnvironmentInfo:
    """One that is known here. Raises UnavailableError with what to type."""
    for info in every():
        if (info.release_of, info.release) == (base.name, release):
            return info
    raise UnavailableError(
        f"There is no release {release} of {base.name} here. Type: {base.install_command} --version {release}"
    )


def release_environment(engine: EngineInfo, device: Device, release: str = "") -> EnvironmentInfo:
    """What trains this release of the engine on the device; the locked one if none is named.

    Raises UnavailableError.
    """
    base = environment_for(engine, device)
    return named(base, release) if release else base


def version_in(info: EnvironmentInfo, package: str) -> str:
    """The exact version that an environment's lock has of a package; empty if it pins none."""
    for pin in [*info.unhashed, *_pins(_text(info.lock))]:
        name, found, version = pin.partition(";")[0].strip().partition("==")
        if found and _is_named(package, name):
            return version.lstrip("=")
    return ""


def _pins(lock: str) -> Iterator[str]:
    """`name==version` of each package, with its marker, without its hashes."""
    for line in lock.splitlines():
        if line and line[0].isalnum():
            yield line.partition("\\")[0].partition(" --hash=")[0].strip()


def _is_named(package: str, name: str) -> bool:
    return canonicalize_name(name.partition("[")[0]) in {canonicalize_name(package + build) for build in _BUILDS}


# ---------------------------------------------------------------- finding what is meant


def find(base: EnvironmentInfo, asked: Wanted) -> EnvironmentInfo | None:
    """The newest known here that fits: the locked environment itself, or a release of it."""
    if asked.path:
        release = _local_release(Path(asked.path))
        return next((info for info in every() if (info.release_of, info.release) == (base.name, release)), None)
    known = [base, *(info for info in every() if info.release_of == base.name and _only_differs_in(info, base, asked))]
    fitting = [info for info in known if fits(version_in(info, asked.package), asked.version)]
    return max(fitting, key=lambda info: version_key(version_in(info, asked.package)), default=None)


def _only_differs_in(info: EnvironmentInfo, base: EnvironmentInfo, asked: Wanted) -> bool:
    version = version_in(info, asked.package)
    return not info.built_from and info.release == _release_name(base, asked.package, version)


def fits(version: str, beginning: str) -> bool:
    """0.9 means 0.9 and 0.9.2, not 0.90."""
    return version == beginning or version.startswith((f"{beginning}.", f"{beginning}+"))


def version_key(version: str) -> Version:
    """What is no version comes before all that are."""
    try:
        return Version(version)
    except InvalidVersion:
        return Version("0.dev0")


def _release_name(base: EnvironmentInfo, package: str, version: str) -> str:
    """The environment's own package goes without its name."""
    own = {canonicalize_name(engine.package) for engine in base.engines if engine.slug == base.name}
    return version if canonicalize_name(package) in own else f"{canonicalize_name(package)}=={version}"


def _local_release(path: Path) -> str:
    """By content: a wheel or a source folder that changed is another release."""
    digest = hashlib.sha256()
    for file in [path] if path.is_file() else _sources(path):
        digest.update(str(file.relative_to(path.parent)).encode())
        digest.update(file.read_bytes())
    return f"local-{digest.hexdigest()[:8]}"


_NO_SOURCES = {"__pycache__", "build", "dist"}


def _sources(folder: Path) -> list[Path]:
    def is_one(path: Path) -> bool:
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part in _NO_SOURCES or part.endswith(".egg-info") for part in parts)
        return path.is_file() and not hidden

    return sorted(filter(is_one, folder.rglob("*")))


# ---------------------------------------------------------------- asking the registry


def published(package: str) -> list[str]:
    """Versions that pip could install here, the oldest first. Raises UnavailableError.

    `pip index` asks the registry and the folders that pip itself uses, whatever they are.
    """
    for build in ("-cpu", ""):  # a framework's build for the CPU goes before that for every device
        found = _published(package + build)
        if found:
            return found
    raise UnavailableError(f"pip finds no releases of {package}. Is the network reachable?")


def _published(name: str) -> list[str]:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "index", "versions", "--no-input", name]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_TIMEOUT_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return []
    listed = re.search(r"^Available versions: (.*)$", answer.stdout, re.MULTILINE)
    return sorted(listed[1].split(", "), key=version_key) if listed else []


def _exact(asked: Wanted) -> str:
    versions = published(asked.package)
    fitting = [version for version in versions if fits(version, asked.version)]
    if not fitting:
        newest = ", ".join(reversed(versions[-12:]))
        raise UnsupportedError(f"No release of {asked.package} begins with {asked.version}. The newest are: {newest}.")
    return fitting[-1]


# ---------------------------------------------------------------- resolving


def resolve(base: EnvironmentInfo, asked: Wanted, *, say: Say) -> EnvironmentInfo:
    """The release, with its lock written, to be installed next. Raises UnsupportedError or UnavailableError."""
    known = find(base, asked)
    if known is not None:
        return known
    if asked.path:
        others = tuple(pin for pin in base.unhashed if not _is_named(asked.package, pin.partition("==")[0]))
        info = _info(base, _local_release(Path(asked.path)), asked.package, others, asked.path)
        lock = _text(base.lock)
    else:
        version = _exact(asked)
        if version == version_in(base, asked.package):
            return base
        release = _release_name(base, asked.package, version)
        info = _info(base, release, asked.package, _unhashed(base, asked.package, version))
        lock = _lock(base, info, asked.package, version, say=say)
    _keep(info, lock)
    return info


def _unhashed(base: EnvironmentInfo, package: str, version: str) -> tuple[str, ...]:
    return tuple(
        f"{package}=={version}" if _is_named(package, pin.partition("==")[0]) else pin for pin in base.unhashed
    )


def _keep(info: EnvironmentInfo, lock: str) -> None:
    values = {name: getattr(info, name) for name in ("release_of", "release", "unhashed", "built_from")}
    values["package"] = info.release_package
    _folder().mkdir(parents=True, exist_ok=True)
    info.lock.write_text(lock, encoding="utf-8")
    draft = _folder() / f"{info.name}.draft"
    draft.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    draft.replace(_described_in(info.name))


def _lock(base: EnvironmentInfo, info: EnvironmentInfo, package: str, version: str, *, say: Say) -> str:
    """First with all else exactly as it is, then with all else as near to it as uv can."""
    say(f"Resolving {info.name} …")
    asked_for = _asked_for(base)
    complaint = ""
    for free in (False, True):
        lock, complaint = _compiled(base, info, _changed(asked_for, package, version, free=free), say=say)
        if lock:
            return lock
    raise UnsupportedError(f"{info.name} cannot be resolved for Python {base.pythons[0]}: {complaint}")


def _asked_for(base: EnvironmentInfo) -> list[Requirement]:
    """What the environment asks for: its .in file, else, of a plug-in's, all that its lock pins."""
    declared = base.lock.with_suffix(".in")
    lines = declared.read_text(encoding="utf-8").splitlines() if declared.is_file() else list(_pins(_text(base.lock)))
    found = []
    for line in lines:
        text = line.partition("#")[0].strip()
        try:
            found += [Requirement(text)] if text else []
        except InvalidRequirement:
            continue
    return found


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _changed(asked_for: list[Requirement], package: str, version: str, *, free: bool) -> str:
    """`free`: other packages' exact pins become wishes, which the former lock still speaks for."""
    lines = []
    for requirement in asked_for:
        changed = Requirement(str(requirement))
        if _is_named(package, requirement.name):
            changed.specifier = SpecifierSet(f"=={version}")
        elif free and any(each.operator.startswith("==") for each in changed.specifier):
            changed.specifier = SpecifierSet()
        lines.append(str(changed))
    return "\n".join(lines) + "\n"


def _compiled(base: EnvironmentInfo, info: EnvironmentInfo, asked_for: str, *, say: Say) -> tuple[str, str]:
    """The lock, or uv's complaint. What the former lock has, uv prefers: it stands where the new one goes."""
    uv = interpreters.uv_program(say=say)
    if uv is None:
        raise UnavailableError("uv, which resolves releases, could not be fetched. Is the network reachable?")
    _folder().mkdir(parents=True, exist_ok=True)
    source, target = _folder() / f"{info.name}.in", _folder() / f"{info.name}.draft"
    try:
        source.write_text(asked_for, encoding="utf-8")
        shutil.copyfile(base.lock, target)
        command = [str(uv), "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header"]
        command += ["--python-version", base.pythons[0], "-o", str(target), str(source)]
        options, variables = _as_pip_is_told()
        result = subprocess.run(
            [*command, *options],
            capture_output=True,
            text=True,
            timeout=_ASK_TIMEOUT_SECONDS,
            env=os.environ | variables,
        )
        lock = _text(target) if result.returncode == 0 else ""
        return lock, " ".join(result.stderr.split())[:500]
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"uv did not resolve {info.name} within {_ASK_TIMEOUT_SECONDS} s.") from None
    finally:
        source.unlink(missing_ok=True)
        target.unlink(missing_ok=True)


def _as_pip_is_told() -> tuple[list[str], dict[str, str]]:
    """Options and variables: uv does not read pip's configuration, so where packages come from is handed over.

    What is set for uv itself goes first.
    """
    listing = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True)
    found = re.findall(r"^(global|:env:)\.([a-z-]+)='(.*)'$", listing.stdout, re.MULTILINE)
    settings = {name: value for _, name, value in sorted(found, reverse=True)}  # the environment's own (:env:) last
    told = {"UV_DEFAULT_INDEX": "index-url", "UV_FIND_LINKS": "find-links", "SSL_CERT_FILE": "cert"}
    variables = {variable: settings.get(name, "") for variable, name in told.items() if variable not in os.environ}
    options = ["--no-index"] if settings.get("no-index") in ("1", "true", "yes") else []
    return options, {variable: value for variable, value in variables.items() if value}


# ---------------------------------------------------------------- forgetting


def forget(info: EnvironmentInfo) -> None:
    """What describes a release, once its environment is removed."""
    _described_in(info.name).unlink(missing_ok=True)
    info.lock.unlink(missing_ok=True)
