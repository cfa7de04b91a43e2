"""A lab that measures every day, with a known truth: records through the same door as real ones."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.core.management import call_command

from engines.contract import Network, as_json, content_hash
from engines.run_record import Code, Conditions, Environment, Machine, RunRecord
from tests.records import MACHINE, make_cell, make_record

START = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)


def software(engine: str, version: str, **packages: str) -> Environment:
    """An environment with this release of an engine's framework."""
    everything = {"numpy": "2.4.6", **packages, engine: version}
    return Environment(engine, content_hash(everything), "locked", "CPython 3.11.7", everything)


@dataclass
class Lab:
    """`spread` is that of experiments, `within` that of the runs of one."""

    folder: Path
    seed: int = 1
    spread: float = 0.025
    within: float = 0.01
    blocks: int = 5
    machine: Machine = MACHINE
    records: list[RunRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def day(
        self,
        number: int,
        seconds: Mapping[str, float],
        *,
        releases: Mapping[str, Sequence[str]] | None = None,
        slow_machine: float = 1.0,
        canary: float | None = 90.0,
        machine: Machine | None = None,
        code: str = "a" * 32,
        networks: Sequence[Network] = (Network("mlp", 8, 100),),
        factors: Mapping[str, float] | None = None,
    ) -> None:
        """One experiment: each engine's true seconds, each of its releases in the same blocks (with its own factor)."""
        at = START + timedelta(days=number)
        for network in networks:
            for engine, true in seconds.items():
                that_day = true * slow_machine * 2.718281828 ** self.chance.gauss(0, self.spread)
                for release in (releases or {}).get(engine, ["1.0"]):
                    own = that_day * (factors or {}).get(release, 1.0)
                    self._runs(number, at, engine, network, release, own, canary, slow_machine, machine, code)

    def _runs(
        self,
        number: int,
        at: datetime,
        engine: str,
        network: Network,
        release: str,
        seconds: float,
        canary: float | None,
        slow_machine: float,
        machine: Machine | None,
        code: str,
    ) -> None:
        for block in range(self.blocks):
            begun = at + timedelta(minutes=10 * block)
            rate = canary / slow_machine * (1 + self.chance.gauss(0, 0.005)) if canary else None
            record = make_record(
                cell=make_cell(engine, network),
                epoch_seconds=seconds * 2.718281828 ** self.chance.gauss(0, self.within),
                block=block,
                experiment=f"day {number}",
                machine=machine or self.machine,
                environment=software(engine, release),
                code=Code("0.1.0", "0" * 40, dirty=False, engine_sha256=code),
                started_at=begun.isoformat(),
                finished_at=(begun + timedelta(minutes=1)).isoformat(),
                conditions=Conditions(canary_gflops=rate, canary_after_gflops=rate),
            )
            self.records.append(dataclasses.replace(record))

    def store(self) -> None:
        """As a user would, from a file."""
        path = self.folder / f"lab-{len(self.records)}.jsonl"
        path.write_text("".join(as_json(record) + "\n" for record in self.records))
        call_command("importruns", str(path), verbosity=0)
        self.records.clear()
