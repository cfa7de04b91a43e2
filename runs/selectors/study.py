"""The study's published tables as stored, and its claims over stored cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engines.contract import NetworkType
from engines.networks import ARCHITECTURES
from runs.findings.cells import CellRow
from runs.findings.claims import judged, measured
from runs.models import PublishedRecommendation, PublishedSpeedUp
from runs.models.subjects import known_network_type
from runs.selectors.cells import cells_of
from runs.selectors.machines import region_of
from runs.selectors.scopes import Scope
from runs.study.claims import JudgedClaim, Measured


def published_recommendations() -> dict[tuple[str, str], list[str]]:
    """(network type, device) -> slugs, in the study's order."""
    return {(row.network_type, row.device): row.engines for row in PublishedRecommendation.objects.all()}


def published_speed_ups() -> dict[NetworkType, list[PublishedSpeedUp]]:
    """By network type. Raises ValueError for a type that is not known here."""
    tables: dict[NetworkType, list[PublishedSpeedUp]] = {each: [] for each in ARCHITECTURES}
    for value in PublishedSpeedUp.objects.all():
        tables[known_network_type(value.network_type)].append(value)
    return tables


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


def judged_on(scope: Scope, rows: Sequence[CellRow], *, rope: float | None = None) -> Sequence[JudgedClaim]:
    """`rope` is looked up where it is not given."""
    rope = region_of(*scope.measured_on) if rope is None else rope
    return judged(measured(rows, hardware_of(scope)), rope)
