"""What the operating system must bring, and how to get it: the compiler, Python's headers, a browser, a server.

Standard library alone and no other module of ours, so that it runs before any environment is there:
`python3 -m engines.environments.system venv compiler headers`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Action = Literal["install", "ask", "tell"]
Say = Callable[[str], None]

_APT_TIMEOUT_SECONDS = 1800


@dataclass(frozen=True)
class Python:
    """What an interpreter says of itself. `headers` is the folder where its Python.h belongs."""

    executable: Path
    version: tuple[int, int]
    headers: Path
    has_venv: bool = True
    """Its `venv` module can put pip into what it makes."""

    @property
    def dotted(self) -> str:
        return ".".join(map(str, self.version))

    @property
    def has_headers(self) -> bool:
        return (self.headers / "Python.h").is_file()

    @property
    def is_distribution_s(self) -> bool:
        """It came with the operating system, which has packages for it."""
        return str(self.headers).startswith("/usr/include/")


@dataclass(frozen=True)
class Need:
    """Something the operating system lacks: what it is, Debian's package ("" for none), and what to do without apt."""

    what: str
    package: str
    elsewhere: str


def this_python() -> Python:
    """The interpreter that runs this."""
    has_venv = _has_module("venv") and _has_module("ensurepip")
    headers = Path(sysconfig.get_paths()["include"])
    return Python(Path(sys.executable), sys.version_info[:2], headers, has_venv)


def missing(names: Iterable[str], python: Python) -> list[Need]:
    """Those of `names` (venv, compiler, headers, browser, database, batch) that this machine lacks."""
    needs = (_need(name, python) for name in names)
    return [need for need in needs if need is not None]


def _need(name: str, python: Python) -> Need | None:
    version = python.dotted
    if name == "venv" and not python.has_venv:
        return Need("Python's venv module", f"python{version}-venv", f"install a Python {version} with its venv module")
    if name == "compiler" and not shutil.which("g++"):
        return Need("the C++ compiler g++", "g++", "xcode-select --install")
    if name == "headers" and not python.has_headers:
        package = f"python{version}-dev" if python.is_distribution_s else ""
        return Need(f"the headers of Python {version}", package, f"install a Python {version} with its headers")
    if name == "browser" and not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        return Need("the browser Chromium", "chromium", "install Chromium")
    if name == "database" and not postgresql_folder():
        return Need("the database server PostgreSQL", "postgresql", "brew install postgresql")
    if name == "batch" and not all(map(shutil.which, ("slurmctld", "slurmd", "munged"))):
        return Need("the batch system Slurm", "slurm-wlm", "install Slurm")
    return None


def postgresql_folder() -> Path | None:
    """Where the newest PostgreSQL's programs are; Debian keeps them off the PATH."""
    installed = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if installed:
        return max(installed, key=lambda folder: int(folder.parent.name.partition(".")[0]))
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def decide(*, has_apt: bool, is_root: bool, at_terminal: bool, can_sudo: bool) -> Action:
    """As root or without a terminal it goes ahead, at a terminal it asks, without the right it tells."""
    if not has_apt or not (is_root or can_sudo):
        return "tell"
    return "install" if is_root or not at_terminal else "ask"


def provide(needs: list[Need], *, say: Say) -> bool:
    """Install what is missing where that is possible; else say what to type. True when all is there now."""
    if not needs:
        return True
    packages = [need.package for need in needs]
    action = _action() if all(packages) else "tell"
    if action == "ask" and not _agrees(packages):
        action = "tell"
    if action == "tell":
        say(advice(needs))
        return False
    who = "root" if _is_root() else "root by way of sudo"
    say(f"Missing here: {_listed(needs)}. Installing {' '.join(packages)} with apt-get, as {who}.")
    return _install(packages, say=say)


def _action() -> Action:
    return decide(
        has_apt=shutil.which("apt-get") is not None,
        is_root=_is_root(),
        at_terminal=_at_terminal(),
        can_sudo=_can_sudo(),
    )


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _at_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _can_sudo() -> bool:
    """At a terminal sudo can ask for a password; without one it must not need any."""
    if shutil.which("sudo") is None:
        return False
    return _at_terminal() or subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0


def _agrees(packages: list[str]) -> bool:
    try:
        answer = input(f"Install {' '.join(packages)} now with sudo apt-get? [Y/n] ")
    except EOFError:
        return False
    return answer.strip().lower() in ("", "y", "yes")


def _listed(needs: list[Need]) -> str:
    return ", ".join(need.what for need in needs)


def advice(needs: list[Need]) -> str:
    """What is missing and the one command that brings it; empty when nothing is."""
    if not needs:
        return ""
    packages = " ".join(need.package for need in needs)
    if shutil.which("apt-get") is None or not all(need.package for need in needs):
        return f"Missing here: {_listed(needs)}. To get it: {'; '.join(need.elsewhere for need in needs)}."
    command = f"{'' if _is_root() else 'sudo '}apt-get install -y {packages}"
    return f"Missing here: {_listed(needs)}. To install it, type: {command}"


def _install(packages: list[str], *, say: Say) -> bool:
    prefix = [] if _is_root() else ["sudo"]
    quiet = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    _run([*quiet, "update", "-q"])  # an old list may still do, so its failure is not the end
    result = _run([*quiet, "install", "-y", "-q", "--no-install-recommends", *packages])
    if result.returncode != 0:
        last_line = (result.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        say(f"apt-get could not install {' '.join(packages)}: {last_line}")
    return result.returncode == 0


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_APT_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"it did not end in {_APT_TIMEOUT_SECONDS} s")


def _has_module(name: str) -> bool:
    try:
        __import__(name)
    except ImportError:
        return False
    return True


def main(arguments: list[str] | None = None) -> int:
    """0 when all is there, 1 when something is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("needs", nargs="+", choices=["venv", "compiler", "headers", "browser", "database"])
    names = parser.parse_args(arguments).needs
    provide(missing(names, this_python()), say=_print)
    return 1 if missing(names, this_python()) else 0


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
