"""How often changes over time are found, and how often where there are none: by simulation, at known truth."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Sequence
from math import log
from pathlib import Path

import numpy as np

from engines.contract import Network
from runs.stats.steps import steps

SEED = 2027
SPREADS = (0.02, 0.03)
BEFORE = (8, 12, 20, 30, 50)
AFTER = 5
STEP = log(1.10)
STALLED_SHARE = 0.03
"""Of experiments that took 10 to 50 % longer, all their runs together."""
Finds = Callable[[Sequence[float]], list[int]]


def noise(rng: np.random.Generator, count: int, spread: float, *, is_stalled: bool) -> np.ndarray:
    values = rng.normal(0, spread, count)
    if is_stalled:
        values += (rng.random(count) < STALLED_SHARE) * rng.uniform(0.1, 0.5, count)
    return values


def ours(values: Sequence[float]) -> list[int]:
    return [step.at for step in steps(values)]


def newest_against_the_one_before(values: Sequence[float]) -> list[int]:
    """What a threshold does: an alarm where the newest is 5 % off the one before."""
    return [len(values) - 1] if abs(values[-1] - values[-2]) > log(1.05) else []


METHODS: dict[str, Finds] = {"steps": ours, "newest ±5 %": newest_against_the_one_before}


def false_alarms(finds: Finds, count: int, spread: float, *, is_stalled: bool, series: int) -> float:
    rng = np.random.default_rng([SEED, count, int(1e6 * spread), is_stalled])
    return sum(bool(finds(noise(rng, count, spread, is_stalled=is_stalled).tolist())) for _ in range(series)) / series


def power(finds: Finds, before: int, spread: float, *, is_stalled: bool, series: int) -> float:
    """A step of 10 %, found within five experiments after it, at most two places off."""
    rng = np.random.default_rng([SEED, before, int(1e6 * spread), is_stalled, 1])
    found = 0
    for _ in range(series):
        values = noise(rng, before + AFTER, spread, is_stalled=is_stalled)
        values[before:] += STEP
        whole = values.tolist()
        found += any(abs(at - before) <= 2 for end in range(before + 1, len(whole) + 1) for at in finds(whole[:end]))
    return found / series


def table(series: int = 10_000) -> str:
    lines = [
        "| before | spread | 3 % of experiments stall | false alarms | found within 5 | ±5 % to the one before: false "
        "alarms | found |",
        "| --- " * 7 + "|",
    ]
    for before in BEFORE:
        for spread in SPREADS:
            for is_stalled in (False, True):
                cells = []
                for finds in METHODS.values():
                    wrong = false_alarms(finds, before + AFTER, spread, is_stalled=is_stalled, series=series)
                    right = power(finds, before, spread, is_stalled=is_stalled, series=max(200, series // 20))
                    cells += [f"{wrong:.2%}", f"{right:.0%}"]
                words = "yes" if is_stalled else "no"
                lines.append(f"| {before} | {spread:.0%} | {words} | {' | '.join(cells)} |")
    return "\n".join(lines)


# ---------------------------------------------------------------- through the whole path


def whole_path(networks: int = 100) -> str:
    """Records of a lab that measured every day, imported, looked at by the command: what it says of known truth."""
    from django.core.management import call_command

    from runs.models import Change
    from tests.runs.labs import Lab

    engines = {"theano": 1.0, "tensorflow": 0.5, "jax": 0.3, "torch": 0.4}
    grid = [Network("mlp", 8, 10 * (1 + at)) for at in range(networks)]
    slower, same = grid[: networks // 4], grid[networks // 4 :]
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder), seed=SEED, blocks=3)
        for day in range(25):
            lab.day(day, engines, networks=same)
            lab.day(day, {each: time * (1.1 if day >= 20 else 1.0) for each, time in engines.items()}, networks=slower)
            lab.store()
        out = io.StringIO()
        call_command("regressions", "--json", stdout=out, stderr=io.StringIO())
    widths = {network.width for network in slower}
    told = json.loads(out.getvalue())
    found = Change.objects.filter(kind="step", workload__width__in=widths, ratio__gt=1).count()
    wrong = Change.objects.exclude(workload__width__in=widths).count()
    return (
        f"Through the whole path: {4 * len(slower)} series with a step of 10 % five experiments ago, {found} found; "
        f"{4 * len(same)} series without, {wrong} called changed; {len(told)} regressions told."
    )
