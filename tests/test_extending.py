"""`docs/extending.md`, carried out: each addition into a copy of the repository, where nothing else has to change."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engines.host import PROJECT_ROOT
from tests.engines.dataset_files import shuttle_text, write

DOCUMENT = (PROJECT_ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
_FILE = re.compile(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_DIFF = re.compile(r"^```diff\n(.*?)^```$", re.DOTALL | re.MULTILINE)
READ = """
import json, sys
import django
django.setup()
from django.conf import settings
from django.test import Client
plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
settings.ALLOWED_HOSTS = ["testserver"]
for address in sys.argv[1:]:
    answer = Client().get(address)
    print(json.dumps([answer.status_code, answer.content.decode()]))
"""
GATE = """
import sys, threading
from engines.contract import Network
from engines.protocol import Case
from runs.bench import gate
for engine in sys.argv[2:]:
    for check in gate.check(gate.Subject(engine, "cpu"), (Case(Network(sys.argv[1], 3, 32)),), threading.Event()):
        print(engine, check.dtype, "passed" if check.passed else check.reason or gate.in_words(check))
"""


def section(title: str) -> str:
    """The text under a heading of the document."""
    return DOCUMENT.split(f"\n## {title}\n")[1].split("\n## ")[0]


@dataclass(frozen=True)
class Copy:
    """A copy of the repository, as a newcomer has it."""

    folder: Path
    var: Path

    def carry_out(self, title: str) -> set[str]:
        """What the document says under a heading; returns the files that it touched."""
        for name, content in _FILE.findall(section(title)):
            (self.folder / name).write_text(content, encoding="utf-8")
        for diff in _DIFF.findall(section(title)):
            subprocess.run(["git", "apply", "-"], cwd=self.folder, input=diff, text=True, check=True)
        told = subprocess.run(
            ["git", "status", "--porcelain", "-uall"], cwd=self.folder, capture_output=True, text=True, check=True
        )
        return {line[3:] for line in told.stdout.splitlines()}

    def python(self, *words: str) -> str:
        variables = os.environ | {
            "BENCHSITE_VAR": str(self.var),
            "BENCHSITE_DATA_DIR": str(self.var / "data"),
            "DJANGO_SETTINGS_MODULE": "benchsite.settings",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        done = subprocess.run(
            [sys.executable, "-W", "ignore", *words], cwd=self.folder, env=variables, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def manage(self, *words: str) -> str:
        return self.python("manage.py", *words)

    def read(self, *addresses: str) -> list[str]:
        """The pages there, all of which must stand."""
        answers: list[list[Any]] = [json.loads(line) for line in self.python("-c", READ, *addresses).splitlines()]
        assert [status for status, _ in answers] == [200] * len(addresses)
        return [body for _, body in answers]

    def seed(self) -> None:
        self.manage("migrate", "--verbosity", "0")
        self.manage("seedruns", "--runs", "400", "--verbosity", "0")


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    folder, var = tmp_path / "benchsite", tmp_path / "var"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (PROJECT_ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT_ROOT / name, folder / name)
    for made in (".environments", "node_modules"):
        (folder / made).symlink_to(PROJECT_ROOT / made)
    (folder / ".git" / "info").mkdir(parents=True)
    (folder / ".git" / "info" / "exclude").write_text(".environments\nnode_modules\n")
    who = ["-c", "user.name=Newcomer", "-c", "user.email=newcomer@localhost"]
    for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "As it is"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return Copy(folder, var)


@pytest.mark.slow
def test_a_page_with_a_chart_is_a_module_its_template_and_its_name(copy: Copy) -> None:
    touched = copy.carry_out("A page with a chart")
    assert touched == {"runs/pages/breadth.py", "templates/runs/breadth.html", "runs/pages/index.py"}
    copy.seed()
    page, home, chart, charts = copy.read("/breadth/", "/", "/charts/breadth.json", "/api/v1/charts/")
    assert "<h1>Breadth</h1>" in page
    assert 'data-chart="/charts/breadth.json"' in page
    assert re.search(r'href="/breadth/"[^>]*>Breadth</a>', home)
    assert {series["label"] for series in json.loads(chart)["data"]["datasets"]} >= {"Theano", "TensorFlow"}
    assert "Cells that were timed" in {entry["title"] for entry in json.loads(charts)["results"]}
    copy.python("-m", "ruff", "check", "-q", "runs")
    assert "0 broken" in copy.python(
        "-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    )


@pytest.mark.slow
def test_a_column_of_the_run_list_is_an_entry_of_its_columns_and_one_of_the_filters(copy: Copy) -> None:
    touched = copy.carry_out("A column of the run list")
    assert touched == {"runs/pages/parts/lists.py", "runs/selectors/runs.py", "docs/api.md"}
    copy.seed()
    plain, sorted_, none = copy.read("/runs/", "/runs/?sort=-batch&batch=100", "/runs/?batch=1000")
    assert ">Batch" in plain
    assert 'name="batch"' in plain
    assert 'aria-sort="descending"' in sorted_
    (of_the_api,) = copy.read("/api/v1/runs/?batch=100&limit=3")
    assert len(json.loads(of_the_api)["results"]) == 3
    assert "<tbody" in plain
    assert "<tbody" not in none


@pytest.mark.engine
def test_a_network_family_is_a_file_and_a_word_and_is_trained_and_proven(copy: Copy) -> None:
    assert copy.carry_out("A network family") == {"engines/networks/funnel.py", "engines/contract.py"}
    told = copy.python("-c", GATE, "funnel", "tensorflow", "jax").splitlines()
    wanted = [f"{engine} {dtype} passed" for engine in ("tensorflow", "jax") for dtype in ("float64", "float32")]
    assert told == wanted
    copy.manage("migrate", "--verbosity", "0")
    bench = ["runbench", "--networks", "funnel:3x32", "--engines", "jax", "tf", "--threads", "1", "--blocks", "1"]
    copy.manage(*bench, "--no-verify")
    home, explore, runs = copy.read("/", "/explore/?network=funnel", "/runs/?network=funnel")
    assert "Funnel on the CPU" in home
    assert "3 layers" in explore
    assert "Funnel 3×32" in runs
    assert "finished" in runs


@pytest.mark.slow
def test_a_data_set_is_a_file_and_its_line(copy: Copy) -> None:
    assert copy.carry_out("A data set") == {"engines/datasets/sources/landsat.py", "docs/datasets.md"}
    rows = [" ".join([*(str((7 * at + row) % 150) for at in range(36)), str(row % 7 + 1)]) for row in range(240)]
    texts = {"sat.trn": "\n".join(rows[:200]) + "\n", "sat.tst": "\n".join(rows[200:]) + "\n"}
    files = write(copy.var / "files", {name: text.encode() for name, text in texts.items()})
    copy.manage("datasets", "import", "landsat", str(files))
    assert "landsat" in copy.manage("datasets")
    load = "from engines import datasets as d; found = d.load(d.describe('landsat')); print(found.train_inputs.shape, "
    told = copy.python("-c", load + "found.test_inputs.shape, sorted(set(found.train_labels.tolist())))")
    assert told.strip() == "(200, 36) (40, 36) [0, 1, 2, 3, 4, 5, 6]"
    write(copy.var / "other", {"sat.trn": shuttle_text(5), "sat.tst": shuttle_text(5)})
    with pytest.raises(AssertionError, match="Expected: lines of 37 integers"):
        copy.manage("datasets", "import", "landsat", str(copy.var / "other"))


def test_the_document_has_a_row_for_every_addition_that_it_shows() -> None:
    shown = re.findall(r"^## (.+)$", DOCUMENT, re.MULTILINE)
    assert shown == ["A page with a chart", "A column of the run list", "A network family", "A data set", "An engine"]
