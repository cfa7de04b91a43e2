"""What several backends need of a machine."""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path

from engines.errors import UnavailableError, UnsupportedError


def no_gpu(environment: str) -> UnsupportedError:
    install = f"python manage.py engines install {environment} --gpu"
    return UnsupportedError(f"No GPU seen. Install the GPU build with `{install}`.")


def build_to_install(backend: str, install_command: Callable[[], str]) -> str:
    return f"The GPU build of {backend} is not installed. Type: {install_command()}"


def require_compiler(who: str) -> None:
    """For what compiles C++ while it trains, against the headers of the Python that runs it."""
    if not (Path(sysconfig.get_path("include")) / "Python.h").exists():
        raise UnavailableError(f"{who} needs the headers of Python: install them with `apt-get install python3-dev`.")
    if not (shutil.which("g++") or shutil.which("clang++")):
        raise UnavailableError(f"{who} needs a C++ compiler: install one with `apt-get install g++`.")
