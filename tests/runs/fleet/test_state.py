"""What a driver's events make of a fleet's state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from runs.fleet.state import SILENT_AFTER, FleetState, begin, fleets

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def told(fleet: FleetState, *events: dict[str, Any], now: datetime = NOW) -> FleetState:
    for event in events:
        fleet.hear(event, now)
    return fleet


def left(machine: str, blocks: int) -> dict[str, Any]:
    return {"event": "left", "machine": machine, "blocks": blocks, "runs": 3 * blocks, "seconds": 60 * blocks}


def test_a_slice_that_is_done_is_left_no_more_and_one_that_failed_is() -> None:
    fleet = told(begin("e", "quick", ["a", "b"]), left("a", 4), left("b", 4))
    told(fleet, {"event": "slice", "machine": "a", "code": 0, "said": "done", "blocks": 1, "runs": 3})
    told(fleet, {"event": "slice", "machine": "b", "code": 75, "said": "busy", "blocks": 1, "runs": 3})
    assert [(each.blocks_left, each.runs_left, each.seconds_left) for each in fleet.machines] == [
        (3, 9, 180),
        (4, 12, 240),
    ]


def test_a_machine_is_missing_since_it_was_last_there() -> None:
    fleet = begin("e", "quick", ["a", "b"])
    told(fleet, {"event": "there", "machines": ["a", "b"]})
    gone = NOW + timedelta(minutes=5)
    told(fleet, {"event": "there", "machines": ["b"]}, now=gone)
    told(fleet, {"event": "there", "machines": ["b"]}, now=gone + timedelta(minutes=5))
    a, b = fleet.machines
    assert (a.is_missing, a.since, b.is_missing) == (True, gone.isoformat(), False)


def test_who_is_done_is_missed_by_nobody() -> None:
    fleet = told(begin("e", "quick", ["a"]), {"event": "machine", "machine": "a", "state": "done"})
    assert not fleet.machines[0].is_missing
    assert fleet.is_done


def test_a_driver_that_says_nothing_for_long_is_gone() -> None:
    fleet = told(begin("e", "quick", ["a"]), left("a", 1))
    assert not fleet.is_silent(NOW + SILENT_AFTER)
    assert fleet.is_silent(NOW + SILENT_AFTER + timedelta(seconds=1))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    fleet = told(begin("A night", "quick", ["a"]), left("a", 2))
    fleet.write(tmp_path)
    assert fleets(tmp_path) == [fleet]
