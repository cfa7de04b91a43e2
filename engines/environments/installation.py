"""Making an engine environment from its lock file, and checking an interpreter that the user brings instead."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from engines import backends
from engines.environments import environments, system
from engines.environments.environments import EnvironmentInfo
from engines.environments.interpreters import ask, interpreter_for
from engines.environments.system import Python, Say
from engines.errors import UnavailableError
from engines.registry import EngineInfo

_CHECK_TIMEOUT_SECONDS = 300
_OLDEST_PYTHON = (3, 10)
_MEGABYTE = 10**6


def cost(wanted: Sequence[EnvironmentInfo]) -> str:
    """What installing these takes, to be said before it begins."""
    lines = [
        f"{info.name} ({info.title}): {_size(info.download_mb)} to download, {_size(info.disk_mb)} on disk"
        f"{_without_cpu_build(info)}."
        for info in wanted
    ]
    if len(wanted) > 1:
        download, disk = sum(info.download_mb for info in wanted), sum(info.disk_mb for info in wanted)
        lines.append(f"Together: {_size(download)} to download, {_size(disk)} on disk.")
    return "\n".join(lines)


def _without_cpu_build(info: EnvironmentInfo) -> str:
    """What is pinned without a hash is whatever build pip is offered: with CUDA, it is as large as the GPU build."""
    larger = environments.gpu_build(info) if info.unhashed else None
    if larger is None:
        return ""
    return f" ({_size(larger.download_mb)} and {_size(larger.disk_mb)} where pip is offered no CPU build)"


def _size(megabytes: int) -> str:
    return f"{megabytes} MB" if megabytes < 1000 else f"{megabytes / 1000:.1f} GB"


def install(environment: EnvironmentInfo, *, say: Say) -> list[system.Need]:
    """Make the environment unless it stands; returns the system's packages that it still lacks, of which `say` told.

    Raises UnavailableError or InterpreterMissingError with what to do.
    """
    if environments.is_installed(environment):
        return provide_needs(environment, system_python(environment), say=say)
    check_place(environment)
    interpreter = interpreter_for(environment, say=say)
    lacking = provide_needs(environment, interpreter, say=say)
    say(f"Installing {environment.name} with Python {interpreter.dotted} …")
    try:
        _make(environment, interpreter)
    except OSError as error:
        raise _made_clear(environment, error) from error
    say(f"Installed {environment.name}: {environment.title}.")
    return lacking


def system_python(environment: EnvironmentInfo) -> Python:
    """The interpreter that runs in the environment, by what it says of itself."""
    python = ask(environments.python_of(environment))
    if python is None:
        raise UnavailableError(
            f"The interpreter of {environment.name} does not run. Type: python manage.py engines "
            f"remove {environment.name}, then: {environment.install_command}"
        )
    return python


def provide_needs(environment: EnvironmentInfo, python: Python, *, say: Say) -> list[system.Need]:
    """Install the system's packages where allowed; what is still missing after that."""
    system.provide(system.missing(environment.needs, python), say=say)
    return system.missing(environment.needs, python)


def check_place(environment: EnvironmentInfo) -> None:
    """Raises UnavailableError where the environment could not work or would not fit."""
    folder = environment.folder
    if not environment.spaces_in_path and any(letter.isspace() for letter in str(folder)):
        raise UnavailableError(
            f"{environment.title} cannot work below a folder with a space in its name ({folder}). "
            "Move the project to a path without spaces."
        )
    free_mb = shutil.disk_usage(environments.ROOT).free // _MEGABYTE
    if free_mb < environment.disk_mb:
        raise UnavailableError(
            f"Not enough room for {environment.name}: it needs {_size(environment.disk_mb)} and "
            f"{_size(free_mb)} are free at {environments.ROOT}. Free some, then type: {environment.install_command}"
        )


def _make(environment: EnvironmentInfo, interpreter: Python) -> None:
    """The stamp goes first and comes back last: half an environment never counts as one."""
    environment.stamp.unlink(missing_ok=True)
    venv = [str(interpreter.executable), "-m", "venv", "--clear", "--without-pip", str(environment.folder)]
    _run(venv, environment)
    for command in _pip_commands(environment):
        _run(command, environment, show=sys.stdout.isatty())
    environment.stamp.write_text(environment.lock_sha256 + "\n", encoding="ascii")


def _pip_commands(environment: EnvironmentInfo) -> list[list[str]]:
    """This interpreter's pip, installing into the other: the environment itself needs none.

    What is pinned without a hash comes second, and may bring what its build needs beyond the lock (CUDA's libraries).
    """
    pip = [sys.executable, "-m", "pip", "--python", str(environment.python), "--disable-pip-version-check", "install"]
    quiet = [] if sys.stdout.isatty() else ["-qq"]
    pip += [*quiet, "--no-input", "--use-pep517"]
    commands = [[*pip, "--require-hashes", "-r", str(environment.lock)]]
    if environment.unhashed:
        commands.append([*pip, *environment.unhashed])
    if environment.built_from:  # in place of the published one, whatever its version; then what it needs in addition
        commands.append([*pip, "--force-reinstall", "--no-deps", environment.built_from])
        commands.append([*pip, environment.release_package])
    return commands


def _run(command: Sequence[str], environment: EnvironmentInfo, *, show: bool = False) -> None:
    with tempfile.TemporaryFile("w+") as complaints:
        result = subprocess.run(command, stdout=None if show else complaints, stderr=complaints)
        if result.returncode != 0:
            raise UnavailableError(_why_it_failed(environment, _tail(complaints)))


def _tail(complaints: IO[str]) -> str:
    complaints.seek(0)
    return complaints.read()[-20_000:]


def _why_it_failed(environment: EnvironmentInfo, output: str) -> str:
    if "No space left on device" in output:
        return _disk_is_full(environment)
    errors = [line.strip() for line in output.splitlines() if "ERROR" in line or "error:" in line.lower()]
    last = (errors or output.strip().splitlines() or ["it gave no reason."])[-1]
    return f"{environment.name} could not be installed: {last} To try again, type: {environment.install_command}"


def _disk_is_full(environment: EnvironmentInfo) -> str:
    return (
        f"The disk is full: {environment.name} needs {_size(environment.disk_mb)} at {environments.ROOT} and for a "
        f"while {_size(environment.download_mb)} at {tempfile.gettempdir()}. Free some, "
        f"then type: {environment.install_command}"
    )


def _made_clear(environment: EnvironmentInfo, error: OSError) -> UnavailableError:
    if error.errno == errno.ENOSPC:
        return UnavailableError(_disk_is_full(environment))
    return UnavailableError(f"{environment.name} could not be installed: {error}.")


def remove(environment: EnvironmentInfo) -> str:
    """Forget the interpreter that the user chose, else delete what was installed; returns what was done."""
    if environments.chosen(environment) is not None:
        environments.choose(environment, None)
        return f"{environment.name} no longer uses an interpreter of yours."
    if not environment.folder.exists():
        return f"{environment.name} was not installed."
    shutil.rmtree(environment.folder)
    return f"{environment.name} is removed."


# ---------------------------------------------------------------- an interpreter of the user's

_TRY_IMPORTS = """
import importlib, importlib.util, sys
imported, found = (part.split() for part in sys.argv[1:])
for name in imported:
    try:
        importlib.import_module(name)
    except Exception:
        print(name)
print(*(name for name in found if importlib.util.find_spec(name) is None))
"""


def use(environment: EnvironmentInfo, python: Path, engines: Sequence[EngineInfo]) -> None:
    """Choose this interpreter for the environment, once it has shown that it has what all of `engines` need.

    Raises UnavailableError naming what to install.
    """
    found = ask(python)
    if found is None:
        raise UnavailableError(f"{python} does not run as a Python interpreter.")
    if found.version < _OLDEST_PYTHON:
        raise UnavailableError(f"{python} is Python {found.dotted}; Benchsite's engines need 3.10 or newer.")
    lacking = list(dict.fromkeys(name for engine in engines for name in modules_lacking(python, engine)))
    if lacking:
        packages = " ".join(name.replace("_", "-") for name in lacking)
        raise UnavailableError(f"{python} cannot import {', '.join(lacking)}. Type: {python} -m pip install {packages}")
    environments.choose(environment, python.absolute())


def modules_lacking(python: Path, engine: EngineInfo) -> list[str]:
    """What the engine needs and the interpreter cannot import.

    Theano, and the Keras on it, are only looked for: on a newer Python they import after a preparation that their
    engine makes.
    """
    own, frameworks = ["annotated_types", "numpy"], [engine.backend, engine.framework]
    as_it_is = backends.of(engine.backend).IMPORTS_AS_IT_IS
    imported, found = (own + frameworks, []) if as_it_is else (own, frameworks)
    result = _try_imports(python, imported, found, keras_backend=engine.backend)
    if result.returncode != 0:
        raise UnavailableError(f"{python} died importing {engine.title} (exit code {result.returncode}).")
    printed = result.stdout.split()
    return [name for name in dict.fromkeys(own + frameworks) if name in printed]


def _try_imports(
    python: Path, imported: list[str], found: list[str], *, keras_backend: str
) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-c", _TRY_IMPORTS, " ".join(imported), " ".join(found)]
    variables = os.environ | {"KERAS_BACKEND": keras_backend}
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_CHECK_TIMEOUT_SECONDS, env=variables)
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{python} did not import {' '.join(imported + found)} in time.") from error
