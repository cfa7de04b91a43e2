"""Selects that need the database: which machines there are to choose from."""

from __future__ import annotations

from django.utils.translation import gettext as _

from runs.findings.choices import Select
from runs.selectors.scopes import Scope, machines_with_a_gpu


def gpu_machine_select(scope: Scope) -> list[Select]:
    """Where another machine of the experiment has a GPU's times: whose are taken."""
    machines = machines_with_a_gpu(scope)
    if not machines or machines == [scope.machine]:
        return []
    offered = dict.fromkeys([*scope.measured_on[:1], *machines])
    choices = [(str(machine.pk), machine.name) for machine in offered]
    return [Select("gpu_machine", _("GPU of"), choices, str(scope.measured_on[-1].pk))]
