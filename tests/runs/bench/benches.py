"""A bench for tests: a folder of its own, a tiny suite, and NumPy where TensorFlow's environment would be.

Everything else is real: plan, host, worker processes, channel, spool and database.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from engines.run_record import RunRecord
from runs.bench import canaries, here
from runs.bench.canaries import Rate
from runs.records.spool import Spool, SpoolContents, spool_for
from runs.suites.suite import Preset
from tests.engines import stand_in

SUITE = """
name = "tiny"
title = "Two engines, two networks, two blocks"
preset = "{preset}"
blocks = {blocks}
warmup_epochs = 1
steady_epochs = 2
min_steady_seconds = 0.0
timeout_seconds = 60
batch_size = 100

[[benches]]
network = "mlp"
hidden_layers = [1]
widths = [2, 4]
engines = ["tensorflow", "keras-tensorflow"]
threads = {threads}
train_samples = 500
"""
RUNS = 8
TOO_MANY_THREADS = 1000


@dataclass(frozen=True)
class Bench:
    var: Path

    @property
    def suite(self) -> str:
        return str(self.var / "tiny.toml")

    @property
    def spool(self) -> Spool:
        return spool_for(self.var / "spool", "tiny")

    @property
    def contents(self) -> SpoolContents:
        return self.spool.read()

    @property
    def records(self) -> tuple[RunRecord, ...]:
        return self.contents.records

    def behave(self, behaviour: str) -> None:
        """From now on, what stands where TensorFlow's interpreter would do this."""
        python = stand_in.interpreter(self.var, behaviour)
        (self.var / "environments.json").write_text(json.dumps({"tensorflow": str(python)}))

    def plan(self, *, preset: Preset = "quick", blocks: int = 2, threads: tuple[int, ...] = (1,)) -> None:
        Path(self.suite).write_text(SUITE.format(preset=preset, blocks=blocks, threads=list(threads)))


def make_bench(var: Path, *, behaviour: str = "train", threads: tuple[int, ...] = (1,)) -> Bench:
    bench = Bench(var)
    bench.plan(threads=threads)
    bench.behave(behaviour)
    return bench


def install(folder: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Bench:
    """A bench for commands in this process, with a canary that takes no time."""
    settings.VAR_DIR, settings.SPOOL_DIR = folder, folder / "spool"
    monkeypatch.setenv("BENCHSITE_VAR", str(folder))
    monkeypatch.setattr(canaries, "measure", lambda threads: Rate(90.0, 100.0))
    return make_bench(folder, **changes)


def runbench(*options: str) -> None:
    """As in a process of its own: what an earlier call found of this machine is forgotten."""
    here._why_not.cache_clear()
    here._environment.cache_clear()
    try:
        call_command("runbench", *options)
    finally:
        here._why_not.cache_clear()
        here._environment.cache_clear()


def places(records: tuple[RunRecord, ...]) -> list[tuple[str, int]]:
    """What makes a run the plan's: its cell and its block."""
    return sorted((record.cell_key, record.placement.block) for record in records)
