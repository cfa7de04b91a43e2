"""The tutorial's example: taken from the document, installed, checked, measured with, removed; nothing stays."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from engines.host import PROJECT_ROOT
from runs.records.spool import spool_for
from tests.engines.installed import install

DOCUMENT = PROJECT_ROOT / "docs" / "engines" / "adding.md"
_FILE = re.compile(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FIELD = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)


def example() -> dict[str, str]:
    """The files that the tutorial shows, by their path."""
    return dict(_FILE.findall(DOCUMENT.read_text()))


def test_the_tutorial_shows_all_files_of_its_example() -> None:
    assert set(example()) == {
        "benchsite_numpy/engine.py",
        "benchsite_numpy/__init__.py",
        "pyproject.toml",
        "first-look.toml",
    }


def test_the_tutorial_tells_every_field_of_a_declaration() -> None:
    from engines.declarations import _OFFERED

    assert sorted(_FIELD.findall(DOCUMENT.read_text())) == sorted(_OFFERED)


def test_the_tutorial_s_entry_for_this_repository_declares_the_same_engine() -> None:
    from engines.declarations import EngineInfo, engine_from

    line = re.search(r'^EngineInfo\("numpy".*\)$', DOCUMENT.read_text(), re.MULTILINE)
    assert line is not None
    package: dict[str, object] = {}
    exec(example()["benchsite_numpy/__init__.py"], package)
    declared = vars(engine_from(package["ENGINE"])) | {"module": ""}
    assert vars(eval(line[0], {"EngineInfo": EngineInfo})) == declared


class Shell:
    """`manage.py` in processes of their own, with the example installed or not, and a var folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packages = folder / "packages"
        self.packages.mkdir()

    def install(self) -> None:
        files = example()
        package = {Path(name).name: text for name, text in files.items() if name.startswith("benchsite_numpy/")}
        points = tomllib.loads(files["pyproject.toml"])["project"]["entry-points"]["benchsite.engines"]
        install(self.packages, "benchsite_numpy", package, points)
        (self.folder / "first-look.toml").write_text(files["first-look.toml"])

    def uninstall(self) -> None:
        self.packages.rename(self.folder / "uninstalled")

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        variables = {
            **os.environ,
            "PYTHONPATH": str(self.packages),
            "PYTHONDONTWRITEBYTECODE": "1",
            "BENCHSITE_VAR": str(self.folder / "var"),
        }
        return subprocess.run(
            [sys.executable, str(PROJECT_ROOT / "manage.py"), *arguments],
            capture_output=True, text=True, cwd=self.folder, env=variables, timeout=1800,
        )  # fmt: skip


def changes_in_the_tree() -> str:
    """What git sees changed in it; nothing where the tree is no clone, or there is no git."""
    if not shutil.which("git"):
        return ""
    command = ["git", "status", "--porcelain", "--untracked-files=all"]
    return subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False).stdout


@pytest.mark.engine
def test_the_tutorial_s_example_is_an_engine_like_any_other_until_it_is_removed(tmp_path: Path) -> None:
    before, shell = changes_in_the_tree(), Shell(tmp_path)
    shell.install()

    listed = json.loads(shell.manage("engines", "--json").stdout)
    mine = next(row for row in listed if row["slug"] == "numpy")
    assert (mine["abbreviation"], mine["devices"], mine["notes"]) == ("np", ["cpu"], [])

    verified = shell.manage("engines", "verify", "np")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "FAIL" not in verified.stdout
    assert {"MLP 16x200", "CNN 2x8"} <= set(re.findall(r"(?:MLP|CNN) \d+x\d+", verified.stdout))

    options = ("--suite", "first-look.toml", "--synthetic", "--no-database", "--networks", "mlp", "cnn")
    measured = shell.manage("runbench", *options, "--engines", "numpy")
    assert measured.returncode == 0, measured.stdout + measured.stderr
    records = spool_for(tmp_path / "var" / "spool", "first-look").read().records
    assert {(record.cell.engine, record.status, record.equivalence) for record in records} == {
        ("numpy", "finished", "passed")
    }
    assert {record.cell.workload.network.type for record in records} == {"mlp", "cnn"}
    assert all(str(tmp_path) not in record.stderr_tail + record.command for record in records)

    shell.uninstall()
    gone = shell.manage("engines", "verify", "numpy")
    assert gone.returncode != 0
    assert "There is no engine 'numpy'" in gone.stderr
    assert changes_in_the_tree() == before
