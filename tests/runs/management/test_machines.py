"""`manage.py machines detect`: what this machine is, for people and for programs, without a database."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from engines import machine
from engines.gpus.nvidia import Gpu, GpuState
from engines.machine import Hardware, Readings
from runs.management.commands import machines

HARDWARE = Hardware(
    cpu="AMD EPYC",
    sockets=1,
    cores=2,
    threads=2,
    memory_bytes=24 * 2**30,
    gpus=(Gpu("Odd [bold] GPU", driver="550"),),
    withheld=("microcode",),
)
STATE = Readings(load_1min=0.25, gpus=(GpuState(celsius=40),))


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def known_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "detect", lambda: HARDWARE)
    monkeypatch.setattr(machine, "readings", lambda: STATE)


@pytest.mark.parametrize("make_output", [StringIO, Terminal])
def test_detect_shows_parts_state_and_what_was_withheld(make_output: type[StringIO]) -> None:
    output = make_output()
    call_command("machines", "detect", stdout=output)
    shown = " ".join(output.getvalue().split())
    for told in ("AMD EPYC", "24 GiB usable", "Odd [bold] GPU", "0.25", "40 °C", "microcode", "frequency governor"):
        assert told in shown


def test_detect_gives_the_same_to_programs() -> None:
    output = StringIO()
    call_command("machines", "detect", "--json", stdout=output)
    told = json.loads(output.getvalue())
    assert told["fingerprint"] == machine.fingerprint(HARDWARE)
    assert told["hardware"]["cpu"] == "AMD EPYC"
    assert told["hardware"]["withheld"] == ["microcode"]
    assert told["readings"]["load_1min"] == 0.25
    assert "frequency governor" in told["readings_withheld"]


def test_an_action_must_be_named() -> None:
    with pytest.raises(CommandError, match="ACTION"):
        call_command("machines")


def test_lines_stand_under_each_other() -> None:
    assert machines._as_lines("Parts", [("CPU", "x"), ("sockets", "1")]) == "Parts\n  CPU      x\n  sockets  1"
