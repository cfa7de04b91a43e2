"""What each engine can do here, told without importing a framework: version, devices, or why not and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engines.contract import Device, Environment
from engines.environments import environments, system
from engines.environments.environments import EnvironmentInfo, Origin, environment_for
from engines.environments.interpreters import ask
from engines.errors import UnavailableError
from engines.machine.nvidia import query_gpus
from engines.registry import EngineInfo

NO_GPU = "No GPU seen."
_NVIDIA_TIMEOUT_SECONDS = 10
# What shows that an environment's framework was built for GPUs: a package that only such a build brings.
_GPU_PACKAGES = {
    "theano": ("pygpu",),
    "tensorflow": ("nvidia-cudnn-cu12", "nvidia-cudnn-cu13"),
    "jax": ("jax-cuda12-plugin", "jax-cuda13-plugin"),
    "torch": ("nvidia-cudnn-cu12", "nvidia-cudnn-cu13"),
}


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


def why_not(engine: EngineInfo, device: Device, gpus: Sequence[str]) -> str:
    """Why this engine cannot use this device here and what to do; empty if, as far as one sees, it can."""
    if device not in engine.devices:
        return f"{engine.title} has no way to use a {device.upper()}."
    if device == "gpu" and not gpus:  # whatever is installed
        return NO_GPU
    info = environment_for(engine, device)
    try:
        environments.python_of(info)
        software = environments.describe(info)
    except UnavailableError as error:
        return str(error)
    lacks_build = device == "gpu" and not _built_for_gpus(engine, software)
    return _lacks_package(engine, info, software) or _lacks_system(info) or (_gpu_remedy(engine) if lacks_build else "")


def seen_gpus() -> list[str]:
    """The names of the cards that NVIDIA's driver shows."""
    answer = query_gpus("name", _NVIDIA_TIMEOUT_SECONDS) or ""
    return [line.strip() for line in answer.splitlines() if line.strip()]


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
    if engine.backend == "theano":
        return "No GPU build of Theano: pygpu is not installed, and it does not build for today's cards."
    build = environments.find(engine.environment, gpu=True)
    return f"The GPU build of {engine.backend} is not installed. Type: {build.install_command}"


def _built_for_gpus(engine: EngineInfo, software: Environment) -> bool:
    """A vendor's container has CUDA outside of its packages, so a chosen framework gets the benefit of the doubt.

    Not where it names itself a CPU build: the package tensorflow-cpu, PyTorch's version 2.13.0+cpu.
    """
    if engine.own_environment or engine.backend not in _GPU_PACKAGES:  # a plug-in's: its worker will tell
        return True
    if any(name in software.packages for name in _GPU_PACKAGES[engine.backend]):
        return True
    may_have_cuda = engine.backend != "theano" and not software.packages.get(engine.backend, "+cpu").endswith("+cpu")
    return software.origin == "chosen" and may_have_cuda
