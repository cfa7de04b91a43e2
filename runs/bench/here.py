"""A cell on this machine: can it run, with which software, and which measurement would it be?"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from engines import machine, registry
from engines.contract import Cell, Device, Setup, Task, content_hash
from engines.environments import environments, releases
from engines.environments.readiness import why_not
from engines.errors import UnavailableError
from engines.run_record import Environment
from runs.bench import provenance
from runs.suites.plan import PlannedRun

_UNABLE: dict[Task, str] = {"train": "does not train networks", "infer": "does not answer calls"}


def cell_key(cell: Cell, release: str = "") -> str:
    """The identity of a measurement: the cell, the engine's code, and the exact software it runs on."""
    code = provenance.code_hash(cell)
    return content_hash(cell, code, environment_of(cell, release).sha256)


def why_unsupported(cell: Cell, release: str = "") -> str:
    """Why this cell cannot run here and what to do; empty if it can be tried."""
    info = registry.find(cell.engine)
    if cell.device not in info.devices:
        return f"{info.title} has no way to use a {cell.device.upper()}."
    if cell.workload.task not in info.tasks:
        return f"{info.title} {_UNABLE[cell.workload.task]}."
    if cell.workload.network.type not in info.families:
        return f"{info.title} does not build networks of the type {cell.workload.network.type}."
    if cell.workload.replicas > 1:
        if reason := registry.why_no_replicas(info, cell.workload.network.type, cell.track):
            return f"{info.title}, several replicas: {reason}"
        if cell.device == "gpu" and provenance.gpus() and len(provenance.gpus()) < cell.workload.replicas:
            return f"{cell.workload.replicas} replicas asked; there are {len(provenance.gpus())} GPUs."
    if reason := _too_many_threads(cell):
        return reason
    return _why_not(cell.engine, cell.device, release)


def _too_many_threads(cell: Cell) -> str:
    cpus = len(machine.allowed_cpus())
    if cell.device == "gpu" or cell.processors <= cpus:
        return ""
    if cell.workload.replicas > 1:
        asked = f"{cell.workload.replicas} replicas of {cell.threads} thread{'s' if cell.threads > 1 else ''} each"
        return f"{asked} asked; this process may use {cpus} logical CPUs."
    return f"{cell.threads} threads asked; this process may use {cpus} logical CPUs."


@cache
def _why_not(engine: str, device: Device, release: str) -> str:
    return why_not(registry.find(engine), device, provenance.gpus(), release)


def cannot_run(planned: PlannedRun) -> str:
    """`why_unsupported` of a planned run."""
    return why_unsupported(planned.cell, planned.release)


def reasons_against(runs: Iterable[PlannedRun]) -> dict[str, str]:
    """Why runs cannot be done here, and what to do -> the engines and device that this holds for, in words."""
    engines: dict[tuple[str, Device], dict[str, None]] = {}
    for run in runs:
        cell = run.cell
        if reason := cannot_run(run):
            engines.setdefault((reason, cell.device), {})[registry.find(cell.engine).title] = None
    found: dict[str, list[str]] = {}
    for (reason, device), titles in engines.items():
        found.setdefault(reason, []).append(f"{', '.join(titles)} on the {device.upper()}")
    return {reason: "; ".join(words) for reason, words in found.items()}


def environment_of(cell: Cell, release: str = "") -> Environment:
    """The software that trains this cell here; an environment that is not installed has an identity, too."""
    return _environment(cell.engine, cell.device, release)


@cache
def _environment(engine: str, device: Device, release: str) -> Environment:
    base = environments.environment_for(registry.find(engine), device)
    name = f"{base.name}@{release}" if release else base.name
    try:
        return environments.describe(releases.named(base, release) if release else base)
    except UnavailableError:
        return Environment(name=name, sha256=content_hash(name, "missing"), origin="missing")


def python_of(cell: Cell, release: str = "") -> Path:
    return environments.python_of(releases.release_environment(registry.find(cell.engine), cell.device, release))


def cpus_for(cell: Cell) -> tuple[int, ...]:
    """The logical CPUs that a run of the cell is held to; none where the GPU does the work."""
    return machine.allowed_cpus()[: cell.processors] if cell.device == "cpu" else ()


def setup_of(cell: Cell, device_index: int = 0) -> Setup:
    return Setup(
        engine=cell.engine,
        network=cell.workload.network,
        batch_size=cell.workload.batch_size,
        optimizer=cell.workload.optimizer,
        track=cell.track,
        device=cell.device,
        device_index=device_index if cell.device == "gpu" else 0,
        threads=cell.threads,
        task=cell.workload.task,
        replicas=cell.workload.replicas,
    )
