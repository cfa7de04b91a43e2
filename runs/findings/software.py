"""What two measurements of one engine on one machine differ in beside the time: package by package. Pure; no ORM."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

NONE = "–"
_OF_THE_MACHINE = ("kernel", "microcode", "GPU driver", "container", "CPUs allowed")
"""Facts of a machine that change while it stays the same one."""


@dataclass(frozen=True)
class Software:
    """All that a time can hang on, but the cell itself."""

    python: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    engine_sha256: str = ""
    machine: Mapping[str, object] = field(default_factory=dict)
    """A contract's Machine, as the runs had it."""
    environment: str = ""
    """Its name: `jax`, or `jax@0.9.2` for a release that was installed to be compared."""


@dataclass(frozen=True)
class Changed:
    """One thing that differs: what it is, and both its values; empty where a side has none."""

    what: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.what} {self.before or NONE} → {self.after or NONE}"


def changes(before: Software, after: Software) -> tuple[Changed, ...]:
    """Python first, then packages by name, what they were built with, the engine's code, the machine."""
    return tuple(_changes(before, after))


def _changes(before: Software, after: Software) -> Iterator[Changed]:
    if before.python != after.python:
        yield Changed("Python", _version(before.python), _version(after.python))
    yield from _differing(before.packages, after.packages)
    yield from _differing(before.facts, after.facts)
    if before.engine_sha256 != after.engine_sha256:
        yield Changed(_("the engine's code"), before.engine_sha256[:8], after.engine_sha256[:8])
    yield from _differing(_of_machine(before.machine), _of_machine(after.machine))


def _version(python: str) -> str:
    return python.rpartition(" ")[2]


def _differing(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Changed]:
    for name in sorted({*before, *after}):
        if before.get(name, "") != after.get(name, ""):
            yield Changed(name, before.get(name, ""), after.get(name, ""))


def _of_machine(machine: Mapping[str, object]) -> dict[str, str]:
    """Nothing where a side is not known: that is no change."""
    if not machine:
        return {}
    facts = machine.get("facts")
    known = facts if isinstance(facts, Mapping) else {}
    gpus = machine.get("gpus")
    found = {name: str(known[name]) for name in _OF_THE_MACHINE if known.get(name)}
    found["processor"] = str(machine.get("cpu", ""))
    found["memory"] = f"{round(float(str(machine.get('memory_bytes') or 0)) / 2**30)} GiB"
    found["GPUs"] = ", ".join(map(str, gpus)) if isinstance(gpus, (list, tuple)) else ""
    return found
