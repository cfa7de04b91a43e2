"""Where a number comes from: this machine under its user's name, the code that ran, the command that repeats it."""

from __future__ import annotations

import json
import shlex
import subprocess
import tomllib
from functools import cache
from pathlib import Path

from engines import machine, optimizers, registry
from engines.contract import Cell
from engines.datasets.catalogue import SYNTHETIC_PREFIX
from engines.gpus import names
from engines.host import PROJECT_ROOT
from engines.run_record import Code, Machine
from runs.errors import RunsError
from runs.suites import suite as suites
from runs.suites.ad_hoc import NAME as AD_HOC
from runs.suites.ad_hoc import SHIPPED_IMAGES
from runs.suites.plan import network_name


def this_machine(name: str | None, var: Path) -> Machine:
    """This machine's hardware under the name given now, or remembered, or one made from what it is."""
    hardware = machine.detect()
    name = (name or _remembered_name(var) or _name_from(machine.as_contract(hardware, "x"))).strip()
    if not 1 <= len(name) <= 100:
        raise RunsError(f"A machine's name has 1 to 100 characters, not {len(name)}.", {"field": "machine"})
    return machine.as_contract(hardware, name)


def _name_from(detected: Machine) -> str:
    """Told apart by its fingerprint; the host's own name stays private."""
    return f"{detected.cpu}, {detected.threads} threads ({detected.fingerprint[:6]})"[-100:]


def _file(var: Path) -> Path:
    return var / "machine.json"


def _remembered_name(var: Path) -> str | None:
    try:
        return str(json.loads(_file(var).read_text())["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember_name(name: str, var: Path) -> None:
    try:
        var.mkdir(parents=True, exist_ok=True)
        _file(var).write_text(json.dumps({"name": name}) + "\n")
    except OSError as error:
        raise RunsError(f"{_file(var)} cannot be written: {error.strerror}.") from None


@cache
def gpus() -> tuple[str, ...]:
    return tuple(names())


def gpu_words(index: int) -> str:
    """'1: NVIDIA A100'."""
    return f"{index}: {gpus()[index]}" if index < len(gpus()) else str(index)


def check_gpu(index: int) -> None:
    """Raises RunsError where there are GPUs, but not so many."""
    if gpus() and index >= len(gpus()):
        raise RunsError(f"There is no GPU {index} here. There is: {', '.join(map(gpu_words, range(len(gpus()))))}.")


def code_of(cell: Cell) -> Code:
    version, commit, dirty = _checkout()
    return Code(version=version, commit=commit, dirty=dirty, engine_sha256=code_hash(cell))


def code_hash(cell: Cell) -> str:
    """Of the engine's code that such a cell runs."""
    return registry.code_hash(cell.engine, cell.workload.network.type, with_replicas=cell.workload.replicas > 1)


@cache
def _checkout() -> tuple[str, str, bool]:
    """Version, commit and whether the tree differs from it; an unpacked archive has no commit."""
    commit = _git("rev-parse", "HEAD") or "unknown"
    dirty = bool(_git("status", "--porcelain", "--untracked-files=no"))
    return _version(), commit, dirty


def _version() -> str:
    declared = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
    return str(declared["project"]["version"])


def _git(*arguments: str) -> str:
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()


def _suite_options(cell: Cell, suite: str) -> dict[str, str]:
    if suite == AD_HOC:
        kind = optimizers.kind(cell.workload.optimizer)
        optimizer = {} if kind == "sgd" else {"--optimizer": kind}
        return {"--dataset": cell.workload.dataset.name.removeprefix(SYNTHETIC_PREFIX), **optimizer}
    return {"--suite": suite if suite in suites.shipped() else f"{suite}.toml"}


def command_for(cell: Cell, suite: str, *, release: str = "", gpu_index: int = 0, as_profile: bool = False) -> str:
    """What to type to do this cell again; a suite that is not ours is a file, whose folder stays private."""
    options = {
        **_suite_options(cell, suite),
        "--engines": cell.engine,
        "--networks": network_name(cell.workload.network),
        "--devices": cell.device,
        "--threads": str(cell.threads),
        "--tracks": cell.track,
        "--batch-sizes": str(cell.workload.batch_size),
        **({} if cell.workload.task == "train" else {"--tasks": cell.workload.task}),
        **({} if cell.workload.replicas == 1 else {"--replicas": str(cell.workload.replicas)}),
        **({"--versions": f"{cell.engine}={release}"} if release else {}),
    }
    words = [word for pair in options.items() for word in pair]
    words += ["--gpu-index", str(gpu_index)] if cell.device == "gpu" and gpu_index else []
    synthetic = ["--synthetic"] if cell.workload.dataset.source == "synthetic" else []
    synthetic += ["--shipped-if-missing"] if suite != AD_HOC and cell.workload.dataset.name == SHIPPED_IMAGES else []
    end = ["--profile"] if as_profile else ["--blocks", "1", "--fresh"]
    return shlex.join(["python", "manage.py", "runbench", *words, *synthetic, *end])
