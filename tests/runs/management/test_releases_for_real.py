"""An example engine whose framework got 10 % slower in one release: measured side by side, told of once, bisected.

Its framework is made into wheels, and keeps a pace: an epoch takes as long as it says, however busy the machine is. All
else is as for any framework: environments of their own, real training, the gate, blocks, the database.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engines.host import PROJECT_ROOT
from tests.engines.installed import install
from tests.runs.management.test_adding_engines import example
from tests.runs.test_alarms import Webhook
from tests.wheels import make_wheel

pytestmark = pytest.mark.engine
RELEASES = ("1.0", "1.1", "1.2", "1.3", "1.4", "1.5")
SLOW_FROM, BROKEN = "1.4", "1.2"
FRAMEWORK = '''
"""Keeps a pace."""
import time
from contextlib import contextmanager


@contextmanager
def epoch():
    until = time.perf_counter() + {seconds}
    yield
    time.sleep(max(0.0, until - time.perf_counter()))
'''
ENGINE = """
import paced


class Engine(Engine):
    def train_epoch(self, order):
        with paced.epoch():
            super().train_epoch(order)
"""


class Lab:
    """`manage.py` in processes of their own, with the example engine and its wheels, and a var folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.shop, self.packages = folder, folder / "shop", folder / "packages"
        for version in RELEASES:
            seconds = 0.15 * (1.1 if version >= SLOW_FROM else 1.0)
            needs = ("a-package-that-nobody-has-published==0.1",) if version == BROKEN else ()
            make_wheel(self.shop, "paced", version, {"paced.py": FRAMEWORK.format(seconds=seconds)}, needs=needs)
        self.packages.mkdir()
        environment = {
            "title": "Paced 1.0",
            "pythons": [f"{sys.version_info[0]}.{sys.version_info[1]}"],
            "lock": "lock.txt",
            "download_mb": 20,
            "disk_mb": 100,
        }
        declared = {
            "slug": "paced",
            "title": "Paced",
            "abbreviation": "pc",
            "framework": "paced",
            "backend": "numpy",
            "module": "benchsite_paced.engine",
            "families": ["mlp"],
            "environment": environment,
        }
        files = {
            "__init__.py": f"ENGINE = {declared!r}\n",
            "engine.py": example()["benchsite_numpy/engine.py"] + ENGINE,
            "lock.txt": self.lock(),
        }
        install(self.packages, "benchsite_paced", files, {"paced": "benchsite_paced:ENGINE"})

    def lock(self) -> str:
        """NumPy and what a worker needs, as our own environments have them, and the first release."""
        ours = (PROJECT_ROOT / "engines/environments/onnxruntime.txt").read_text()
        blocks = re.findall(r"^(?:numpy|annotated-types)==.*?(?=^\S|\Z)", ours, re.MULTILINE | re.DOTALL)
        wheel = self.shop / "paced-1.0-py3-none-any.whl"
        return "".join(blocks) + f"paced==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"

    def manage(self, *arguments: str, expect: int = 0, alarms: str = "") -> str:
        variables = {
            **os.environ,
            "PYTHONPATH": str(self.packages),
            "PYTHONDONTWRITEBYTECODE": "1",
            "BENCHSITE_VAR": str(self.folder / "var"),
            "PIP_FIND_LINKS": str(self.shop),
            "BENCHSITE_ALARMS": alarms,
        }
        done = subprocess.run(
            [sys.executable, str(PROJECT_ROOT / "manage.py"), *arguments],
            capture_output=True, text=True, cwd=self.folder, env=variables, timeout=1800,
        )  # fmt: skip
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr


NETWORK = ("--dataset", "fashion-mnist-10k")


def test_a_planted_slow_down_is_found_side_by_side_told_of_once_and_bisected(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.manage("migrate", "--verbosity", "0")
    lab.manage("engines", "install", "paced")

    options = ("--networks", "mlp:2x25", *NETWORK, "--versions", "paced=1.0,1.5", "--fail-on", "slower:3%")
    said = lab.manage("runbench", *options, "--report", "comparison.json", expect=3)
    (row,) = json.loads((tmp_path / "comparison.json").read_text())
    assert (row["before"], row["after"], row["is_slower"]) == ("1.0 · numpy 2.4.6", "1.5 · numpy 2.4.6", True)
    assert row["ratio"] == pytest.approx(1.1, abs=0.02)
    assert "| Paced | mlp:2x25 | CPU, 1 thread | 1.0" in said
    assert "paced@1.5" in lab.manage("engines")

    webhook = Webhook()
    for _ in range(2):
        lab.manage("regressions", "--alarm", alarms=webhook.address)
    webhook.stop()
    (message,) = webhook.taken
    assert "slower" in message["title"]
    assert "1.5" in message["message"]
    number = json.loads(_json_of(lab.manage("regressions", "--json", "--no-look")))[0]["number"]
    lab.manage("regressions", "--fail-on", "slower", expect=3)
    lab.manage("regressions", "--acknowledge", str(number), "--reason", "Planted.")
    lab.manage("regressions", "--fail-on", "slower")

    bisect = ("bisect", "paced", "1.0", "1.5", "--network", "mlp:2x25", *NETWORK)
    stopped = lab.manage(*bisect, "--budget", "20s", expect=1)
    assert "the same command goes on" in stopped
    told = lab.manage(*bisect)
    assert "6 releases: 1.0, 1.1, 1.2, 1.3, 1.4, 1.5." in told
    assert "1.2 is skipped: paced@1.2 cannot be resolved" in told
    found = re.search(r"Paced 1\.4 is the first that is slower: (\d\.\d+) \(.*\) against 1\.3.*\n(.*)", told)
    assert found, told
    assert float(found[1]) == pytest.approx(1.1, abs=0.03)
    assert "5 of 6 releases were measured" in told
    assert "What differs between the two environments: paced 1.3 → 1.4." in told
    again = lab.manage(*bisect, "--no-profile")
    assert "Paced 1.4 is the first that is slower" in again
    assert " per epoch" not in again, "all was measured before"

    lab.manage("engines", "remove", "paced", "--version", "1.4")
    assert "paced@1.4" not in lab.manage("engines")


def _json_of(text: str) -> str:
    return text[text.index("[") : text.rindex("]") + 1]
