"""What this machine is, and how it is doing. Standard library only; works without root."""

from engines.machine.conditions import Change, Readings, change, delta, labelled_readings, withheld_readings
from engines.machine.detection import allowed_cpus, detect
from engines.machine.hardware import Hardware, as_contract, describe, differences, fingerprint, labelled
from engines.machine.sensors import readings

__all__ = [
    "Change",
    "Hardware",
    "Readings",
    "allowed_cpus",
    "as_contract",
    "change",
    "delta",
    "describe",
    "detect",
    "differences",
    "fingerprint",
    "labelled",
    "labelled_readings",
    "readings",
    "withheld_readings",
]
