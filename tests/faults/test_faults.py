"""Some of the campaign's faults, of every kind at least one: FAULTS=50 (1,000: `make faults`)."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runs.records.spool import Spool
from tests.faults.campaign import Kind, numbers, run
from tests.faults.dying import Tell, die, in_a_process, killed_at_line, lines_of
from tests.faults.spools import goes_on, records

FAULTS = os.environ.get("FAULTS", "50")


@pytest.mark.slow
def test_every_fault_is_survived() -> None:
    command = [sys.executable, "-m", "tests.faults", "--count", FAULTS]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    ((tried, survived),) = re.findall(r"(\d+) faults of seed \d+, (\d+) survived", done.stdout)
    assert int(tried) == int(survived) >= int(FAULTS)


# ---------------------------------------------------------------- whether the campaign would see it


def test_a_run_that_is_lost_is_not_survived(tmp_path: Path) -> None:
    planned = records(random.Random(0), 2)
    with pytest.raises(AssertionError, match="a run was lost"):
        goes_on(Spool(tmp_path / "one.jsonl"), planned, (planned[0].run_id,))


def test_a_fault_that_is_not_survived_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    def befall(dice: random.Random, folder: Path) -> str:
        assert dice.random() < 0.5, "lost"
        return "seen"

    kind, told = Kind("spool", "luck", befall, 1), list[str]()
    outcome = run(list(numbers([kind], 20)), 1, tmp_path, told.append)["spool: luck"]
    assert outcome.tried == 20
    assert 0 < len(outcome.lost) < 20
    assert f"NOT SURVIVED: {outcome.lost[0]}" in "".join(told)
    again = run([(kind, int(outcome.lost[0].split(":")[1]))], 1, tmp_path, told.append)["spool: luck"]
    assert again.lost == outcome.lost[:1], "a fault can be repeated by its number"


def test_every_kind_gets_one_fault_and_its_share() -> None:
    kinds = [Kind("a", "often", lambda *_: "", 90), Kind("b", "rare", lambda *_: "", 1)]
    found = [kind.name for kind, _ in numbers(kinds, 50)]
    assert (found.count("often"), found.count("rare")) == (49, 1)


def test_a_process_is_killed_where_it_was_asked_and_keeps_its_word(tmp_path: Path) -> None:
    def action(tell: Tell) -> None:
        for word in "abc":
            tell(word)

    here = [Path(__file__)]
    whole = lines_of(here, action)
    deaths = [killed_at_line(number, here, action) for number in range(1, whole + 2)]
    assert [death.was_killed for death in deaths] == [True] * whole + [False]
    assert [len(death.told) for death in deaths] == sorted(len(death.told) for death in deaths)
    assert deaths[-1].told == ("a", "b", "c")
    assert in_a_process(lambda _: die()).was_killed
