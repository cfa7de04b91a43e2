"""Finding a Python."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engines.environments import interpreters
from engines.environments.environments import find
from engines.environments.system import Python
from engines.errors import InterpreterMissingError
from tests.engines.environments.pretending import ignore

pytestmark = pytest.mark.slow


def python(version: tuple[int, int], *, headers: Path = Path("/nowhere"), has_venv: bool = True) -> Python:
    return Python(Path(f"/opt/python{version[0]}.{version[1]}"), version, headers, has_venv)


def test_the_first_allowed_version_that_exists_is_taken() -> None:
    candidates = [python((3, 13)), python((3, 10)), python((3, 11))]
    found = interpreters.choose(candidates, versions=["3.11", "3.10"], needs_headers=False)
    assert found == candidates[2]


def test_a_python_that_cannot_make_environments_is_passed_over() -> None:
    candidates = [python((3, 11), has_venv=False), python((3, 10))]
    assert interpreters.choose(candidates, versions=["3.11", "3.10"], needs_headers=False) == candidates[1]
    assert interpreters.choose(candidates[:1], versions=["3.11"], needs_headers=False) is None


def test_a_python_with_headers_goes_first_only_where_headers_are_needed(tmp_path: Path) -> None:
    (tmp_path / "Python.h").touch()
    bare, complete = python((3, 11)), python((3, 10), headers=tmp_path)
    choose = interpreters.choose
    assert choose([bare, complete], versions=["3.11", "3.10"], needs_headers=True) == complete
    assert choose([bare, complete], versions=["3.11", "3.10"], needs_headers=False) == bare


def test_a_dead_shim_is_no_interpreter(tmp_path: Path) -> None:
    shim = tmp_path / "python3.11"
    shim.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    assert interpreters.ask(shim) is None
    assert interpreters.ask(tmp_path / "nothing") is None


def test_an_interpreter_tells_its_version_and_where_its_headers_belong() -> None:
    told = interpreters.ask(Path(sys.executable))
    assert told is not None
    assert told.version == sys.version_info[:2]
    assert told.headers.name.startswith("python3")


def test_without_any_fitting_python_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "_on_this_machine", lambda versions: [])
    monkeypatch.setattr(interpreters, "_fetched", lambda version, say: [])
    with pytest.raises(InterpreterMissingError, match=r"needs Python 3\.11 or 3\.10.*engines install theano"):
        interpreters.interpreter_for(find("theano"), say=ignore)
