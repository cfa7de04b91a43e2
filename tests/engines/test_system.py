"""System packages: what is missing, who may install it, and what is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.environments import system
from engines.environments.system import Need, Python

GPP = Need("the C++ compiler g++", "g++", "xcode-select --install")


@given(has_apt=st.booleans(), is_root=st.booleans(), at_terminal=st.booleans(), can_sudo=st.booleans())
def test_nothing_is_installed_without_the_right_and_nobody_is_asked_without_a_terminal(
    has_apt: bool, is_root: bool, at_terminal: bool, can_sudo: bool
) -> None:
    action = system.decide(has_apt=has_apt, is_root=is_root, at_terminal=at_terminal, can_sudo=can_sudo)
    may = has_apt and (is_root or can_sudo)
    assert (action == "tell") == (not may)
    assert action != "ask" or (at_terminal and not is_root)


@pytest.mark.parametrize(
    ("is_root", "at_terminal", "action"),
    [(True, True, "install"), (True, False, "install"), (False, False, "install"), (False, True, "ask")],
)
def test_with_the_right_it_goes_ahead_and_asks_only_a_user_at_a_terminal(
    is_root: bool, at_terminal: bool, action: str
) -> None:
    assert system.decide(has_apt=True, is_root=is_root, at_terminal=at_terminal, can_sudo=True) == action


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An apt-get that only writes down how it was called; returns its notes."""
    notes = tmp_path / "calls"
    program = tmp_path / "apt-get"
    program.write_text(f'#!/bin/sh\necho "$DEBIAN_FRONTEND $*" >>{notes}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return notes


def test_as_root_it_installs_and_says_so(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_is_root", lambda: True)
    said: list[str] = []
    assert system.provide([GPP], say=said.append)
    assert said == ["Missing here: the C++ compiler g++. Installing g++ with apt-get, as root."]
    update, install = apt.read_text().splitlines()
    assert update.startswith("noninteractive update")
    assert install.startswith("noninteractive install -y")
    assert install.endswith(" g++")


def test_a_failed_installation_gives_the_last_line_of_its_reason(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_is_root", lambda: True)
    (apt.parent / "apt-get").write_text("#!/bin/sh\necho trouble >&2\necho 'E: No such package' >&2\nexit 100\n")
    said: list[str] = []
    assert not system.provide([GPP], say=said.append)
    assert said[-1] == "apt-get could not install g++: E: No such package"


def test_without_the_right_it_prints_the_one_command(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_is_root", lambda: False)
    monkeypatch.setattr(system, "_can_sudo", lambda: False)
    said: list[str] = []
    assert not system.provide([GPP, Need("the headers", "python3.11-dev", "")], say=said.append)
    assert len(said) == 1
    assert said[0].endswith("To install it, type: sudo apt-get install -y g++ python3.11-dev")
    assert not apt.exists()


def test_a_user_who_says_no_gets_the_command_instead(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_action", lambda: "ask")
    monkeypatch.setattr("builtins.input", lambda prompt: "n")
    said: list[str] = []
    assert not system.provide([GPP], say=said.append)
    assert "apt-get install -y g++" in said[0]
    assert not apt.exists()


def test_without_apt_it_says_what_to_do_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert system.advice([GPP]) == "Missing here: the C++ compiler g++. To get it: xcode-select --install."


def test_a_compiler_that_is_not_on_the_path_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [need.package for need in system.missing(["compiler"], system.this_python())] == ["g++"]


def test_headers_have_a_package_only_for_the_distribution_s_own_python(tmp_path: Path) -> None:
    distribution = Python(Path("/usr/bin/python3.9"), (3, 9), Path("/usr/include/python3.9-not-here"))
    own = Python(tmp_path / "python3.11", (3, 11), tmp_path / "include")
    assert [need.package for need in system.missing(["headers"], distribution)] == ["python3.9-dev"]
    assert [need.package for need in system.missing(["headers"], own)] == [""]
    assert "install a Python 3.11 with its headers" in system.advice(system.missing(["headers"], own))


def test_it_runs_by_itself_before_anything_is_installed() -> None:
    command = [sys.executable, "-S", "-m", "engines.environments.system", "venv"]
    assert subprocess.run(command, capture_output=True).returncode == 0
