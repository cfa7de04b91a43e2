"""What a page lets a reader choose: ways to show the same, and machines."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from runs.findings.choices import Select
from runs.selectors.scopes import Scope, machines_with_a_gpu


@dataclass(frozen=True)
class Option:
    """One of several ways to show the same: where it leads, and whether it is the one shown."""

    label: str
    query: str
    is_current: bool


def gpu_machine_select(scope: Scope) -> list[Select]:
    """Where another machine of the experiment has a GPU's times: whose are taken."""
    machines = machines_with_a_gpu(scope)
    if not machines or machines == [scope.machine]:
        return []
    offered = dict.fromkeys([*scope.measured_on[:1], *machines])
    choices = [(str(machine.pk), machine.name) for machine in offered]
    return [Select("gpu_machine", _("GPU of"), choices, str(scope.measured_on[-1].pk))]
