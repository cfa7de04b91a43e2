"""The headers of the C++ that Theano writes, compiled once: for the gate, which times nothing.

A network has some sixty modules; each took 1.2 s, nine tenths of it for the same headers. What comes out is the
machine code that would have come out without, so that later runs find it; a compiler that cannot use it reads the
headers' text.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engines.contract import Setup

_HEADERS = ("Python.h", "iostream", "math.h", "numpy/arrayobject.h", "numpy/arrayscalars.h", "vector", "algorithm")
"""The first is what each module includes first: a compiler takes `Python.h.gch` in its place if that fits."""
_ALWAYS = ("-g", "-O3", "-fno-math-errno")
_UNOPTIMIZED = "-O0"
_NO_DEBUGGING = "-g0"


def use(theano: Any, setup: Setup) -> None:
    """From now on in this process. In float64, which no run is timed in, nothing is optimized either."""
    compiler: Any = importlib.import_module("theano.gof.cmodule")
    if setup.dtype == "float64":
        theano.config.gcc.cxxflags = _UNOPTIMIZED
    standard = list(compiler.std_include_dirs())
    command = [theano.config.cxx, *_ALWAYS, *compiler.GCC_compiler.compile_args(), *(f"-I{each}" for each in standard)]
    command.append(_NO_DEBUGGING)
    made_for = " ".join([importlib.import_module("numpy").__version__, *command])
    folder = Path(theano.config.compiledir) / f"headers-{hashlib.sha256(made_for.encode()).hexdigest()[:12]}"
    if not (folder / _HEADERS[0]).exists():
        _compile(command, folder)
    compiler.std_include_dirs = lambda: [str(folder), *standard]
    _leave_out_debugging(compiler)


def _leave_out_debugging(compiler: Any) -> None:
    """A sixth of a module's time. Not by Theano's flags, which are part of the name that later runs find it by."""
    compile_str = compiler.GCC_compiler.compile_str

    def compile_without(*arguments: Any, preargs: Sequence[str] = (), **named: Any) -> Any:
        return compile_str(*arguments, preargs=[*preargs, _NO_DEBUGGING], **named)

    compiler.GCC_compiler.compile_str = staticmethod(compile_without)


def _compile(command: list[str], folder: Path) -> None:
    """The compiled form first, then the text that leads on to Python's own: whoever sees that may use both."""
    folder.mkdir(parents=True, exist_ok=True)
    text, compiled = folder / f"{os.getpid()}.h", folder / f"{os.getpid()}.gch"
    text.write_text("".join(f"#include <{name}>\n" for name in _HEADERS))
    made = subprocess.run([*command, "-x", "c++-header", text, "-o", compiled], capture_output=True, check=False)
    if made.returncode == 0:
        compiled.replace(folder / f"{_HEADERS[0]}.gch")
    text.write_text(f"#include_next <{_HEADERS[0]}>\n")
    text.replace(folder / _HEADERS[0])
