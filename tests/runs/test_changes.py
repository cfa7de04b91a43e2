"""What changed over time, with a known truth, through the whole path: records in; page, file, API, command out."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from engines.contract import Network
from runs.models import Act, Change, Machine
from runs.words.changes import command_of
from tests.records import MACHINE
from tests.runs.labs import Lab

pytestmark = pytest.mark.django_db
ENGINES = {"theano": 1.0, "tensorflow": 0.5, "jax": 0.3, "torch": 0.4}


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def look(*options: str) -> tuple[list[dict[str, Any]], int]:
    """What the command lists, and its exit code."""
    out = io.StringIO()
    try:
        call_command("regressions", "--json", *options, stdout=out, stderr=io.StringIO())
    except CommandError as error:
        return json.loads(out.getvalue()), error.returncode
    return json.loads(out.getvalue()), 0


def test_a_step_of_one_engine_is_found_and_no_other_is(lab: Lab) -> None:
    for day in range(20):
        lab.day(day, ENGINES)
    for day in range(20, 25):
        lab.day(day, {**ENGINES, "torch": ENGINES["torch"] * 1.10}, releases={"torch": ["2.0"]})
    lab.store()
    found, code = look("--fail-on", "slower")
    assert [(each["engine"], each["kind"]) for each in found] == [("torch", "step")]
    assert code == 3
    assert 1.06 < found[0]["ratio"] < 1.14
    assert found[0]["low"] < found[0]["ratio"] < found[0]["high"]
    assert "torch 1.0 → 2.0" in found[0]["changed"]
    assert look("--fail-on", "slower:30%")[1] == 0
    assert look("--engine", "jax") == ([], 0)


def test_what_did_not_change_is_not_called_changed(lab: Lab) -> None:
    for day in range(15):
        lab.day(day, ENGINES)
    lab.store()
    assert look("--fail-on", "slower") == ([], 0)
    assert Change.objects.count() == 0


def test_a_new_release_in_the_same_blocks_is_compared_in_pairs(lab: Lab) -> None:
    lab.day(1, ENGINES, releases={"jax": ["0.9.2", "0.10.2"]}, factors={"0.10.2": 1.2})
    lab.store()
    found, _ = look()
    assert [(each["kind"], each["engine"], each["before_release"], each["after_release"]) for each in found] == [
        ("release", "jax", "jax 0.9.2", "jax 0.10.2")
    ]
    assert found[0]["ratio"] == pytest.approx(1.2, rel=0.05), "0.10 comes after 0.9, whatever letters say"


def test_a_release_that_is_the_same_is_no_change(lab: Lab) -> None:
    lab.day(1, ENGINES, releases={"jax": ["0.9.2", "0.10.2"]})
    lab.store()
    assert look() == ([], 0)


@pytest.mark.parametrize("canary", [90.0, None])
def test_a_machine_that_became_slower_as_a_whole_is_one_change(lab: Lab, canary: float | None) -> None:
    networks = (Network("mlp", 8, 100), Network("mlp", 8, 200))
    for day in range(12):
        lab.day(day, ENGINES, networks=networks, canary=canary)
    for day in range(12, 18):
        lab.day(day, ENGINES, networks=networks, canary=canary, slow_machine=1.25)
    lab.store()
    found, _ = look()
    assert [(each["kind"], each["engine"]) for each in found] == [("machine", "")]
    assert found[0]["series"] >= 6
    assert found[0]["ratio"] == pytest.approx(1.25, rel=0.04)


def test_an_engine_that_got_slower_beyond_its_machine_is_told_apart(lab: Lab) -> None:
    for day in range(14):
        lab.day(day, ENGINES)
    for day in range(14, 20):
        lab.day(day, {**ENGINES, "jax": ENGINES["jax"] * 1.5}, slow_machine=1.2)
    lab.store()
    found = {(each["kind"], each["engine"]): each for each in look()[0]}
    assert set(found) == {("machine", ""), ("step", "jax")}
    assert found["step", "jax"]["ratio"] == pytest.approx(1.5, rel=0.06), "without what the machine did"


def test_another_machine_s_times_are_no_step(lab: Lab) -> None:
    other = dataclasses.replace(MACHINE, name="other", fingerprint="9" * 32)
    for day in range(10):
        lab.day(day, ENGINES)
        lab.day(day + 10, {engine: 2 * seconds for engine, seconds in ENGINES.items()}, machine=other)
    lab.store()
    assert look() == ([], 0)
    assert Machine.objects.count() == 2


def test_one_stalled_experiment_is_no_step(lab: Lab) -> None:
    for day in range(16):
        lab.day(day, ENGINES, slow_machine=2.0 if day in (7, 15) else 1.0, canary=None)
    lab.store()
    assert look() == ([], 0)


def test_a_change_is_found_once_and_goes_when_it_is_undone(lab: Lab) -> None:
    for day in range(12):
        lab.day(day, ENGINES)
    for day in range(12, 18):
        lab.day(day, {**ENGINES, "jax": 0.3 * 1.2})
    lab.store()
    first = look()[0]
    assert look()[0] == first, "looking again changes nothing"
    lab.day(18, {**ENGINES, "jax": 0.3 * 1.2})
    lab.store()
    assert [each["number"] for each in look()[0]] == [first[0]["number"]], "the same, with one experiment more"
    for day in range(19, 25):
        lab.day(day, ENGINES)
    lab.store()
    assert look()[0] == []
    gone = Change.objects.get(pk=first[0]["number"])
    assert gone.gone_at is not None
    assert Change.objects.filter(ratio__gt=1).count() == 1


def test_an_acknowledged_change_fails_nothing_and_leaves_a_trail(lab: Lab) -> None:
    lab.day(1, ENGINES, releases={"jax": ["0.9", "0.10"]}, factors={"0.10": 1.3})
    lab.store()
    number = look()[0][0]["number"]
    call_command("regressions", "--acknowledge", str(number), "--reason", "Worth it.", stdout=io.StringIO())
    assert look("--fail-on", "slower") == ([], 0)
    act = Act.objects.get()
    assert (act.kind, act.reason, act.details["change"]) == ("acknowledge", "Worth it.", number)
    for again in (["--reason", "Twice."], ["--reason", " "]):
        with pytest.raises(CommandError):
            call_command("regressions", "--acknowledge", str(number), *again, stdout=io.StringIO())


@pytest.mark.parametrize("wrong", ["faster", "slower:", "slower:5", "slower:-1%", "slower:much%"])
def test_a_wrong_limit_is_refused(wrong: str) -> None:
    with pytest.raises(CommandError, match="slower"):
        call_command("regressions", "--fail-on", wrong)


def test_an_empty_site_has_nothing_to_tell() -> None:
    assert look("--fail-on", "slower") == ([], 0)


def test_an_upgrade_within_an_experiment_is_no_pair_of_the_same_blocks(lab: Lab) -> None:
    lab.day(1, ENGINES, releases={"jax": ["0.9"]})
    half = len(lab.records)
    lab.day(1, {**ENGINES, "jax": 0.6}, releases={"jax": ["0.10"]})
    lab.records[half:] = [
        dataclasses.replace(record, placement=dataclasses.replace(record.placement, session="the day after"))
        for record in lab.records[half:]
    ]
    lab.store()
    assert look() == ([], 0)


def test_older_releases_that_were_installed_to_be_compared_are_no_step(lab: Lab) -> None:
    for day in range(10):
        lab.day(day, ENGINES, releases={"jax": ["0.10"]})
    for day in range(10, 15):
        lab.day(day, {"jax": 0.6}, releases={"jax": ["0.8"]})
        lab.records[-lab.blocks :] = [
            dataclasses.replace(record, environment=dataclasses.replace(record.environment, name="jax@0.8"))
            for record in lab.records[-lab.blocks :]
        ]
    lab.store()
    assert look() == ([], 0)


@pytest.mark.parametrize(
    ("optimizer", "said"), [("sgd", ""), ("sgd momentum 0.9", " --optimizer momentum"), ("adam", " --optimizer adam")]
)
def test_the_command_that_measures_again_trains_as_it_was_trained(lab: Lab, optimizer: str, said: str) -> None:
    lab.day(1, ENGINES, releases={"jax": ["0.9", "0.10"]}, factors={"0.10": 1.3})
    lab.store()
    look()
    change = Change.objects.get()
    assert change.workload is not None
    change.workload.optimizer = optimizer
    assert command_of(change).endswith(f"--batch-sizes 100{said}")
