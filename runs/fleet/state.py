"""What a fleet is at, as its driver tells it: kept in a file that commands and pages read. The ledger is elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from django.utils.text import slugify

from runs.errors import RunsError

MachineWord = Literal["waiting", "asked", "measuring", "busy", "uploading", "done", "stuck"]
SILENT_AFTER = timedelta(minutes=2)
"""A driver tells something every few seconds: one that says nothing for so long is gone."""


@dataclass
class MachineState:
    """`there` is whether its worker is connected; `since` when that, or what it is at, last changed (ISO 8601)."""

    name: str
    word: MachineWord = "waiting"
    there: bool = False
    since: str = ""
    said: str = ""
    """The last line of what it is doing, or why it does not."""
    blocks_left: int | None = None
    runs_left: int | None = None
    seconds_left: float | None = None

    @property
    def is_missing(self) -> bool:
        return not self.there and not self.is_over

    @property
    def is_over(self) -> bool:
        return self.word in ("done", "stuck")


@dataclass
class FleetState:
    """One call of `fleet run`."""

    experiment: str
    suite: str
    started_at: str
    updated_at: str = ""
    ended_at: str = ""
    machines: list[MachineState] = field(default_factory=list)

    def hear(self, told: Mapping[str, Any], now: datetime) -> None:
        """One event of the driver's."""
        self.updated_at = now.isoformat()
        handle = {"machine": self._at, "left": self._left, "slice": self._slice, "said": self._said}.get(told["event"])
        if told["event"] == "there":
            self._there(set(told["machines"]), now)
        elif handle:
            handle(self.machine(told["machine"]), told, now)

    def machine(self, name: str) -> MachineState:
        return next(each for each in self.machines if each.name == name)

    def _at(self, machine: MachineState, told: Mapping[str, Any], now: datetime) -> None:
        if machine.word != told["state"]:
            machine.word, machine.since = told["state"], now.isoformat()
        machine.said = told.get("said", "")

    def _left(self, machine: MachineState, told: Mapping[str, Any], now: datetime) -> None:
        machine.blocks_left, machine.runs_left = told["blocks"], told["runs"]
        machine.seconds_left = told["seconds"]
        if told["blocks"]:
            self._at(machine, {"state": "measuring"}, now)

    def _slice(self, machine: MachineState, told: Mapping[str, Any], now: datetime) -> None:
        if told["code"] == 0 and machine.blocks_left and machine.runs_left and machine.seconds_left is not None:
            share = told["blocks"] / machine.blocks_left
            machine.seconds_left = round(machine.seconds_left * (1 - share))
            machine.blocks_left -= told["blocks"]
            machine.runs_left -= told["runs"]
        machine.said = told["said"]

    def _said(self, machine: MachineState, told: Mapping[str, Any], now: datetime) -> None:
        machine.said = told["said"]

    def _there(self, there: set[str], now: datetime) -> None:
        for machine in self.machines:
            if machine.there != (machine.name in there):
                machine.there, machine.since = machine.name in there, now.isoformat()

    @property
    def is_over(self) -> bool:
        return all(machine.is_over for machine in self.machines)

    @property
    def is_done(self) -> bool:
        return all(machine.word == "done" for machine in self.machines)

    def is_silent(self, now: datetime) -> bool:
        """Whether its driver is gone: it said nothing for long, and not that it ended."""
        return not self.ended_at and now - datetime.fromisoformat(self.updated_at or self.started_at) > SILENT_AFTER

    # ------------------------------------------------------------ the file

    def write(self, var: Path) -> None:
        path = _folder(var) / f"{slugify(self.experiment) or 'experiment'}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(self)), encoding="utf-8")
        draft.replace(path)


def begin(experiment: str, suite: str, machines: list[str]) -> FleetState:
    now = datetime.now(UTC).isoformat()
    return FleetState(experiment, suite, now, now, machines=[MachineState(name, since=now) for name in machines])


def fleets(var: Path) -> list[FleetState]:
    """Those that this installation has driven, the newest first. Raises RunsError for a file that is none."""
    found = [_read(path) for path in sorted(_folder(var).glob("*.json"))]
    return sorted(found, key=lambda fleet: fleet.started_at, reverse=True)


def _read(path: Path) -> FleetState:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        machines = [MachineState(**machine) for machine in document.pop("machines")]
        return FleetState(**document, machines=machines)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunsError(f"{path} is no state of a fleet ({error}). Delete it: no result is in it.") from None


def _folder(var: Path) -> Path:
    return var / "fleet"
