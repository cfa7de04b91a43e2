"""The study's claims over stored summaries: which of an experiment's cells they are judged on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runs.findings.claims import judged, measured
from runs.noise import region_of
from runs.selectors import Scope, cells_of
from runs.study.claims import JudgedClaim, Measured


def claims_in(scope: Scope) -> Sequence[JudgedClaim]:
    """Every claim, judged on one experiment and one machine, whose own noise widens what counts as alike.

    The GPU's times may be another machine's, where the scope says so.
    """
    return judged(measured_in(scope), region_of(*scope.measured_on))


def measured_in(scope: Scope) -> Measured:
    return measured(cells_of(scope), hardware_of(scope))


def hardware_of(scope: Scope) -> Mapping[str, Any]:
    """The contract's Machine as a mapping; its GPUs are those of the machine that the GPU's times come from."""
    hardware = dict(scope.machine.hardware) if scope.machine else {}
    return hardware | ({"gpus": scope.gpu_machine.hardware.get("gpus")} if scope.gpu_machine else {})
