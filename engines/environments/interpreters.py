"""Finding a Python of a version that an environment can live with. Each candidate is run: a path proves nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from engines.environments import tools
from engines.environments.environments import EnvironmentInfo
from engines.environments.system import Python, Say
from engines.errors import InterpreterMissingError

_ASK = """
import importlib.util, json, os, sys, sysconfig
print(json.dumps([os.path.realpath(sys.executable), sys.version_info[:2], sysconfig.get_paths()["include"],
    importlib.util.find_spec("venv") is not None]))
"""
_ASK_TIMEOUT_SECONDS = 20
_UV_TIMEOUT_SECONDS = 900
_PYTHON_MB = 30


def ask(executable: Path) -> Python | None:
    """What the interpreter says of itself; None if it does not run (a dead pyenv shim, say)."""
    try:
        command = [str(executable), "-I", "-c", _ASK]
        result = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_TIMEOUT_SECONDS, check=True)
        path, version, headers, has_venv = json.loads(result.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return Python(Path(path), (version[0], version[1]), Path(headers), has_venv)


def choose(candidates: Iterable[Python], *, versions: Sequence[str], needs_headers: bool) -> Python | None:
    """The first candidate of an allowed version, in the order of `versions`; one with headers first if they matter."""
    fitting = [python for python in candidates if python.dotted in versions and python.has_venv]
    if not fitting:
        return None
    return min(fitting, key=lambda python: (needs_headers and not python.has_headers, versions.index(python.dotted)))


def interpreter_for(environment: EnvironmentInfo, *, say: Say) -> Python:
    """A Python on this machine, else one that uv fetches. Raises InterpreterMissingError saying what to type."""
    found = _choose(environment, _on_this_machine(environment.pythons))
    if found is None:
        found = _choose(environment, _fetched(environment.pythons[0], say=say))
    if found is None:
        raise InterpreterMissingError(_what_is_missing(environment))
    return found


def _choose(environment: EnvironmentInfo, executables: Iterable[Path]) -> Python | None:
    candidates = (python for python in map(ask, executables) if python is not None)
    return choose(candidates, versions=environment.pythons, needs_headers="headers" in environment.needs)


def _on_this_machine(versions: Sequence[str]) -> Iterator[Path]:
    """Candidates, likely ones first; the interpreter that runs this and each name on each folder of the PATH."""
    yield Path(getattr(sys, "_base_executable", sys.executable))
    for version in versions:
        for folder in os.get_exec_path():
            candidate = Path(folder) / f"python{version}"
            if candidate.exists():
                yield candidate
        yield from sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
        yield from sorted(_uv_pythons().glob(f"*{version}*/bin/python{version}"))


def _what_is_missing(environment: EnvironmentInfo) -> str:
    return (
        f"{environment.title} needs Python {' or '.join(environment.pythons)}, and none runs here, nor could uv fetch "
        f"one. Install one so that `python{environment.pythons[0]}` works, then type: {environment.install_command}"
    )


# ---------------------------------------------------------------- uv, which can fetch a Python


def _uv_pythons() -> Path:
    return tools.folder_of("pythons")


def _fetched(version: str, *, say: Say) -> list[Path]:
    """The Python that uv downloads, if it can; an unreachable network is no Python, not an error."""
    say(f"No fitting Python here; fetching Python {version} with uv (about {_PYTHON_MB} MB).")
    uv = uv_program(say=say)
    if uv is None:
        return []
    folders = {"UV_PYTHON_INSTALL_DIR": str(_uv_pythons()), "UV_HTTP_TIMEOUT": "15"}
    command = [str(uv), "python", "install", "--quiet", version]
    try:
        subprocess.run(command, env=os.environ | folders, capture_output=True, timeout=_UV_TIMEOUT_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return sorted(_uv_pythons().glob(f"*{version}*/bin/python{version}"))


def uv_program(*, say: Say) -> Path | None:
    """uv from the PATH or from beside this interpreter, else fetched into .tools."""
    for place in (shutil.which("uv"), Path(sys.executable).with_name("uv")):
        if place is not None and os.access(place, os.X_OK):
            return Path(place)
    folder = tools.fetch("uv", say=say)
    return folder / "bin" / "uv" if folder else None
