"""A campaign of faults: what befell, whether every run is there once afterwards, and what a user saw.

Each fault is drawn from its kind and a number alone: `--seed 3 --only "a full disk:17"` repeats one to the letter.
"""

from __future__ import annotations

import random
import shutil
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Befall = Callable[[random.Random, Path], str]
"""Makes one fault happen in a folder of its own, asserts that nothing is lost, and returns what a user sees of it."""


@dataclass(frozen=True)
class Kind:
    layer: str
    name: str
    befall: Befall
    share: int
    """Of 1,000 faults, about so many."""


@dataclass
class Outcome:
    kind: Kind
    tried: int = 0
    lost: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    @property
    def row(self) -> str:
        words = self.seen.most_common(1)[0][0] if self.seen else ""
        kept = self.tried - len(self.lost)
        return f"| {self.kind.layer} | {self.kind.name} | {self.tried} | {kept} | {words} |"


HEAD = (
    "| layer | fault | tried | survived | what a user sees |\n| ----- | ----- | ----: | -------: | ---------------- |"
)


def numbers(kinds: Sequence[Kind], count: int) -> Iterator[tuple[Kind, int]]:
    """How many of each: by their shares, and one of each at least."""
    whole = sum(kind.share for kind in kinds)
    for kind in kinds:
        yield from ((kind, number) for number in range(max(1, round(kind.share * count / whole))))


def run(drawn: Sequence[tuple[Kind, int]], seed: int, folder: Path, told: Callable[[str], None]) -> dict[str, Outcome]:
    """Goes on after a fault that was not survived: the table shall say how many."""
    outcomes: dict[str, Outcome] = {}
    for kind, number in drawn:
        outcome = outcomes.setdefault(f"{kind.layer}: {kind.name}", Outcome(kind))
        if not outcome.tried:
            told(f"{kind.layer}: {kind.name}")
        outcome.tried += 1
        place = folder / "fault"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        try:
            outcome.seen[kind.befall(random.Random(f"{seed} {kind.name} {number}"), place)] += 1
        except Exception:
            outcome.lost.append(f"{kind.name}:{number}")
            told(f"NOT SURVIVED: {kind.name}:{number}\n{traceback.format_exc()}")
    return outcomes
