"""What each engine can do here, told without importing a framework: version, devices, or why not and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engines import backends
from engines.contract import Device
from engines.environments import environments, releases, system
from engines.environments.environments import EnvironmentInfo, Origin, environment_for
from engines.environments.interpreters import ask
from engines.errors import UnavailableError
from engines.gpus import unsupported as unsupported_gpus
from engines.registry import EngineInfo
from engines.run_record import Environment

NO_GPU = "No GPU seen."


@dataclass(frozen=True)
class Readiness:
    """One engine on this machine. `notes` say why a device cannot be used, and what to do."""

    engine: EngineInfo
    environment: str
    origin: Origin
    python: str
    version: str
    devices: tuple[Device, ...]
    notes: tuple[str, ...]


def readiness(engine: EngineInfo, gpus: Sequence[str]) -> Readiness:
    """`gpus` are the names of the cards that this machine has."""
    reasons = {device: why_not(engine, device, gpus) for device in engine.devices}
    usable = tuple(device for device, reason in reasons.items() if not reason)
    notes = tuple(dict.fromkeys(reason for reason in reasons.values() if reason))
    info = environment_for(engine)
    try:
        software = environments.describe(info)
    except UnavailableError:  # a note says so already
        return Readiness(engine, info.name, environments.origin(info), "", "", usable, notes)
    version = version_of(engine, software.packages)
    return Readiness(engine, info.name, software.origin, software.python, version, usable, notes)


def why_not(engine: EngineInfo, device: Device, gpus: Sequence[str], release: str = "") -> str:
    """Why this engine, in this release, cannot use this device here and what to do; empty if, so far, it can."""
    if device not in engine.devices:
        return f"{engine.title} has no way to use a {device.upper()}."
    if device == "gpu" and not gpus:  # whatever is installed
        return " ".join([NO_GPU, *unsupported_gpus()])
    try:
        info = releases.release_environment(engine, device, release)
        environments.python_of(info)
        software = environments.describe(info)
    except UnavailableError as error:
        return str(error)
    lacks_build = device == "gpu" and not _built_for_gpus(engine, software)
    return _lacks_package(engine, info, software) or _lacks_system(info) or (_gpu_remedy(engine) if lacks_build else "")


def version_of(engine: EngineInfo, packages: dict[str, str]) -> str:
    """The framework's version; builds of one framework go by several package names."""
    names = (engine.package, f"{engine.package}-cpu", f"{engine.package}-gpu")
    return next((packages[name] for name in names if name in packages), "")


def _lacks_package(engine: EngineInfo, info: EnvironmentInfo, software: Environment) -> str:
    if version_of(engine, software.packages):
        return ""
    remedy = f"{_python(info)} -m pip install {engine.package}"
    return f"{engine.package} is not installed in the interpreter of {info.name}. Type: {remedy}"


def _python(info: EnvironmentInfo) -> str:
    return str(environments.python_of(info))


def _lacks_system(info: EnvironmentInfo) -> str:
    """Said of the machine: no compiler, no headers of the interpreter in use."""
    if not info.needs:
        return ""
    python = ask(environments.python_of(info))
    return system.advice(system.missing(info.needs, python)) if python else f"{_python(info)} does not run."


def _gpu_remedy(engine: EngineInfo) -> str:
    def install_command() -> str:
        return environments.find(engine.environment, gpu=True).install_command

    return backends.of(engine.backend).gpu_remedy(install_command)


def _built_for_gpus(engine: EngineInfo, software: Environment) -> bool:
    """A vendor's container has CUDA outside of its packages, so a chosen framework gets the benefit of the doubt.

    Not where it names itself a CPU build.
    """
    backend = backends.of(engine.backend)
    if engine.own_environment or not backend.GPU_PACKAGES:  # its worker will tell
        return True
    if any(name in software.packages for name in backend.GPU_PACKAGES):
        return True
    return software.origin == "chosen" and backend.may_have_gpus(software.packages.get(engine.backend, ""))
