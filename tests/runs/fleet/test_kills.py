"""A fleet whose parts are killed: nothing is lost, nothing doubled, no two runs overlap on a machine.

Each seed is a schedule of its own: `FLEET_SEEDS=5` tries five.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runs.bench.benches import RUNS
from tests.runs.fleet.fleets import Lab, lab_in

pytestmark = [pytest.mark.slow, pytest.mark.fleet]

KILLS = 7


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with lab_in(tmp_path) as lab:
        yield lab


def strike(lab: Lab, chance: random.Random) -> str:
    """Kill something, leave it dead for a moment, start it again."""
    what = chance.choice(["agent", "power", "driver", "scheduler", "site"])
    name = chance.choice(lab.names)
    pause = chance.uniform(0.2, 2)
    if what == "agent":
        lab.kill(name)
        time.sleep(pause)
        lab.start_machine(name)
    elif what == "power":
        lab.cut_power(name)
        time.sleep(pause)
        lab.start_machine(name)
    elif what == "driver":
        lab.kill("driver")
        time.sleep(pause)
        lab.start_driver()
    elif what == "scheduler":
        lab.kill("scheduler")
        time.sleep(pause)
        lab.start_scheduler()
    else:
        lab.site.stop()
        time.sleep(pause)
        lab.site.start(workers=1)
    return what


@pytest.mark.parametrize("seed", range(int(os.environ.get("FLEET_SEEDS", "1"))))
def test_whatever_is_killed_each_run_is_there_once(lab: Lab, seed: int) -> None:
    chance = random.Random(seed)
    lab.start_scheduler()
    for name in lab.names:
        lab.start_machine(name)
    lab.start_driver()
    for _ in range(KILLS):
        time.sleep(chance.uniform(1, 6))
        strike(lab, chance)
    if lab.finish() != 0:  # the site was away when it was to be told: the same command goes on
        lab.start_driver()
        assert lab.finish() == 0, lab.said("driver")
    lab.assert_whole(RUNS)
