"""A fleet on a real Slurm of three nodes: jobs, nodes and drivers die, and each run is there once."""

from __future__ import annotations

import os
import random
import subprocess
import time
from pathlib import Path

import pytest

from tests.runs.bench.benches import RUNS
from tests.runs.fleet import slurm
from tests.runs.fleet.fleets import Lab, lab_in

pytestmark = [pytest.mark.slow, pytest.mark.fleet]

NODES = ("lab1", "lab2", "lab3")
STRIKES = 4


def strike(lab: Lab, chance: random.Random) -> None:
    """Power for a job's processes, an operator's scancel, or the driver with its scheduler."""
    what = chance.choice(["power", "scancel", "driver"])
    name = chance.choice(lab.names)
    if what == "power":
        lab.cut_power(name)
    elif what == "scancel":
        subprocess.run(["scancel", "--nodelist", name], env=os.environ | dict(lab.batch), check=True)
    else:
        lab.kill("driver")
        time.sleep(chance.uniform(0.2, 2))
        lab.start_driver()


@pytest.mark.parametrize("seed", range(int(os.environ.get("FLEET_SEEDS", "1"))))
def test_on_a_batch_system_each_run_is_there_once(tmp_path: Path, seed: int) -> None:
    if reason := slurm.why_not():
        pytest.skip(f"No Slurm of three nodes here: {reason}")
    chance = random.Random(seed)
    with slurm.slurm(NODES) as variables, lab_in(tmp_path, variables) as lab:
        lab.start_driver()
        for _ in range(STRIKES):
            time.sleep(chance.uniform(3, 9))
            strike(lab, chance)
        assert lab.finish() == 0, lab.said("driver")
        lab.assert_whole(RUNS)
