"""What the tests of environments share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engines.environments import environments
from engines.environments.environments import EnvironmentInfo, find

TINY = """
[tiny]
title = "Nothing at all"
pythons = ["{python}"]
download_mb = 1
disk_mb = 2
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder of the test's own, with nothing installed and nothing chosen."""
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setenv("BENCHSITE_VAR", str(tmp_path / "var"))
    return tmp_path


@pytest.fixture
def tiny(root: Path, monkeypatch: pytest.MonkeyPatch) -> EnvironmentInfo:
    """An environment of this Python whose lock asks for no package: making it needs no network."""
    declared = root / "environments.toml"
    declared.write_text(TINY.format(python=f"{sys.version_info[0]}.{sys.version_info[1]}"))
    monkeypatch.setattr(environments, "_DECLARED_IN", declared)
    monkeypatch.setattr(environments, "_environments", environments._environments.__wrapped__)
    (root / "tiny.txt").write_text("# nothing\n")
    return find("tiny")
