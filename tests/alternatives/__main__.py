"""`make alternatives`: are the tracks as fast as what their frameworks offer?

Each engine's tracks and the alternatives declared in this folder take turns, in processes of their own, held to one
CPU with one thread, on generated samples. Prints a Markdown table for each engine: CPU seconds per steady epoch as a
multiple of the idiomatic track's of the same round (the median of the rounds), and the last round's CPU seconds of
compiling, where a framework finds what it kept of earlier processes.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from engines import host, machine, registry
from engines.contract import Network
from engines.environments import environments
from runs.suites.plan import network_name
from tests.alternatives.declared import Alternative, declared
from tests.alternatives.trial import Result, Trial

# What an epoch trains on: enough for a steady time, few enough for a short round.
SAMPLES = {Network("mlp", 2, 25): 43_500, Network("mlp", 8, 100): 20_000, Network("cnn", 1, 8): 1_500}
LIMIT_SECONDS = 240
ALLOWED_LOSS = 1e-3  # float32's own noise is far below: whoever is beyond does other work

Rounds = list[dict[str, Result | None]]
"""For each round: what each alternative gave, None where it failed or took too long."""


def measure(engine: str, network: Network, rounds: int) -> Rounds:
    """Every round in another order; what failed once is not tried again."""
    names = {each.name: each for each in declared(engine) if network.type in each.networks}
    done: Rounds = []
    for number in range(rounds):
        order = random.Random(number).sample(sorted(names), len(names))
        done.append({name: _tried(engine, names[name], network) for name in order})
        names = {name: each for name, each in names.items() if done[-1][name]}
    return done


def _tried(engine: str, alternative: Alternative, network: Network) -> Result | None:
    label = f"{engine}, {network_name(network)}, {alternative.name}"
    trial = Trial(engine, alternative.name, alternative.track, network, SAMPLES[network], str(_kept(engine)))
    python = environments.python_of(environments.environment_for(registry.find(engine)))
    command = [str(python), "-m", "tests.alternatives.trial", json.dumps(dataclasses.asdict(trial))]
    held = partial(_hold_to, machine.allowed_cpus()[:1])
    told = os.environ | host.ALLOCATOR | {"PYTHONPATH": str(host.PROJECT_ROOT), "PYTHONWARNINGS": "ignore"}
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, check=True, env=told, preexec_fn=held, timeout=LIMIT_SECONDS
        )
    except subprocess.TimeoutExpired:
        print(f"{label}: over {LIMIT_SECONDS} s", file=sys.stderr, flush=True)
        return None
    except subprocess.CalledProcessError as error:
        print(f"{label}: failed\n{error.stderr[-2000:]}", file=sys.stderr, flush=True)
        return None
    result = Result(**json.loads(answer.stdout.splitlines()[-1]))
    print(f"{label}: {result.epoch:.4f} s, compiling {result.compiling:.1f} s", file=sys.stderr, flush=True)
    return result


def _kept(engine: str) -> Path:
    """Where the engine's workers keep what they compiled: Theano alone would spend minutes on it."""
    return Path(os.environ.get("BENCHSITE_VAR") or host.PROJECT_ROOT / "var") / "compiled" / engine


def _hold_to(cpus: tuple[int, ...]) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)


# ---------------------------------------------------------------- the table


def table(engine: str, found: Mapping[Network, Rounds]) -> str:
    """A line for each alternative, padded: it is read as plain text, too."""
    rows = [["", *(head for network in found for head in (network_name(network), "compiling"))]]
    for alternative in declared(engine):
        cells = [_cells(alternative, network, rounds) for network, rounds in found.items()]
        rows.append([alternative.name, *(cell for pair in cells for cell in pair)])
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    rules = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_line(row, widths) for row in (rows[0], rules, *rows[1:]))


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(row, widths, strict=True)
    return f"| {' | '.join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])} |"


def _cells(alternative: Alternative, network: Network, rounds: Rounds) -> tuple[str, str]:
    """Times the idiomatic track's epoch, and the seconds of compiling."""
    if network.type not in alternative.networks:
        return "", ""
    pairs = [(each["idiomatic"], each.get(alternative.name)) for each in rounds if each.get("idiomatic")]
    both = [(before, after) for before, after in pairs if before and after]
    if not both:
        return "fails", ""
    ratio = median(after.epoch / before.epoch for before, after in both)
    before, after = both[-1]
    note = " (other work)" if abs(after.loss / before.loss - 1) > ALLOWED_LOSS else ""
    return f"{ratio:.2f}{note}", f"{after.compiling:.1f} s"


def versions(found: Mapping[Network, Rounds]) -> str:
    results = [result for rounds in found.values() for each in rounds for result in each.values() if result]
    return ", ".join(f"{name} {number}" for name, number in results[0].versions.items()) if results else "nothing ran"


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="make alternatives", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engines", nargs="*", default=[])
    parser.add_argument("--networks", nargs="+", default=[network_name(network) for network in SAMPLES])
    options = parser.parse_args(arguments)
    wanted = [network for network in SAMPLES if network_name(network) in options.networks]
    for engine in options.engines or registry.ENGINES:
        found = {network: measure(engine, network, options.rounds) for network in wanted}
        print(f"\n{registry.find(engine).title}: {versions(found)}; {machine.detect().cpu}; {options.rounds} rounds")
        print(f"\n{table(engine, found)}\n", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
