"""What the gate compiles with Theano beside what a run compiles: the same, in less time."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from engines import backends, registry
from engines.contract import Network, Setup
from engines.environments import environments
from engines.host import PROJECT_ROOT

pytestmark = pytest.mark.engine

_COMPILE = """
import sys
from engines.backends import theano as backend
from engines.contract import Network, Setup
setup = Setup("theano", Network("mlp", 1, 2))
theano = backend.start(setup)
if sys.argv[1] == "quickened":
    backend.quicken(setup)
values = theano.tensor.vector()
function = theano.function([values], theano.tensor.exp(values) * 2 + theano.tensor.tanh(values))
print(float(function([1.0])[0]))
"""


def _compiled(folder: Path, how: str) -> tuple[str, dict[str, str]]:
    """What the function answers, and the machine code of each module by its name."""
    setup = Setup("theano", Network("mlp", 1, 2))
    variables = backends.environment_variables(setup, "theano", folder)
    python = environments.python_of(environments.environment_for(registry.find("theano"), "cpu"))
    flags = variables["THEANO_FLAGS"].split(",")
    kept = ",".join(each for each in flags if not each.startswith("blas"))
    again = {**os.environ, **variables, "THEANO_FLAGS": f"{kept},blas.ldflags=", "PYTHONPATH": str(PROJECT_ROOT)}
    made = subprocess.run([python, "-c", _COMPILE, how], env=again, capture_output=True, text=True, check=True)
    objects = {path.stem: _machine_code(path) for path in folder.rglob("tmp*/*.so")}
    return made.stdout, objects


def _machine_code(path: Path) -> str:
    """Its instructions less the addresses of data: the name of the folder is among the data."""
    command = ["objdump", "-d", "--no-show-raw-insn", str(path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.partition("Disassembly")[2]
    return re.sub(r"^ *[0-9a-f]+:|#.*$|0x[0-9a-f]+\(%rip\)", "", told, flags=re.MULTILINE)


def test_headers_compiled_beforehand_change_nothing_that_is_compiled(tmp_path: Path) -> None:
    plain, quickened = (_compiled(tmp_path / how, how) for how in ("plain", "quickened"))
    assert list((tmp_path / "quickened").rglob("Python.h.gch"))
    assert not list((tmp_path / "plain").rglob("Python.h.gch"))
    assert plain == quickened
    assert plain[1]
