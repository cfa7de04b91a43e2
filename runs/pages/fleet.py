"""Fleets that are driven from this installation: what each machine measures, what is left, who is missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from runs.charts.style import Chip, chip
from runs.errors import RunsError
from runs.fleet.state import FleetState, MachineState, fleets
from runs.models import Experiment, Machine
from runs.models.visible import hidden_experiments
from runs.pages.parts.lists import when
from runs.pages.parts.rendering import render_page, tab
from runs.tables.table import Column, Table, TableCell
from runs.words import numbers

SECTION = tab("fleets", gettext_noop("Fleets"))
LOOK_AGAIN_SECONDS = 30
MOST_SHOWN = 20


@dataclass(frozen=True)
class Shown:
    """A fleet with its experiment, if this site has any of it, and its table."""

    fleet: FleetState
    experiment: Experiment | None
    table: Table
    is_silent: bool

    @property
    def is_at_work(self) -> bool:
        return not self.fleet.ended_at and not self.is_silent

    @property
    def state(self) -> Chip:
        if self.is_silent:
            return chip(gettext_noop("no word of its driver"), "bad")
        return chip("at work" if self.is_at_work else "done" if self.fleet.is_done else "stopped")

    @property
    def started(self) -> str:
        return when(datetime.fromisoformat(self.fleet.started_at))

    @property
    def heard(self) -> str:
        return when(datetime.fromisoformat(self.fleet.updated_at))


def fleets_page(request: HttpRequest) -> HttpResponse:
    """While one is at work, browsers look again by themselves."""
    problem, known = "", []
    try:
        known = fleets(settings.VAR_DIR)
    except RunsError as error:
        problem = str(error)
    shown = [_shown(fleet) for fleet in known if not _is_hidden(fleet)][:MOST_SHOWN]
    answer = render_page(request, "fleets", SECTION, fleets=shown, problem=problem)
    if any(each.is_at_work for each in shown):
        answer["Refresh"] = str(LOOK_AGAIN_SECONDS)
    return answer


def _is_hidden(fleet: FleetState) -> bool:
    """What somebody keeps private is not told by its fleet either."""
    own = Experiment._base_manager.filter(name=fleet.experiment).values_list("pk", flat=True)
    return bool(hidden_experiments() & set(own))


def _shown(fleet: FleetState) -> Shown:
    experiment = Experiment.objects.filter(name=fleet.experiment).first()
    names = [machine.name for machine in fleet.machines]
    known = dict(Machine.objects.filter(name__in=names).values_list("name", "pk"))
    return Shown(fleet, experiment, _table(fleet, known), fleet.is_silent(datetime.now(UTC)))


def _table(fleet: FleetState, known: dict[str, int]) -> Table:
    columns = [
        *(Column(_("Machine")), Column(_("State")), Column(_("Since"))),
        *(Column(_("Blocks left"), is_number=True), Column(_("Runs left"), is_number=True)),
        *(Column(_("Time left"), is_number=True), Column(_("Last word"), wraps=True)),
    ]
    return Table(fleet.experiment, columns, [_row(machine, known) for machine in fleet.machines])


def _row(machine: MachineState, known: dict[str, int]) -> list[TableCell]:
    url = reverse("machine", args=[known[machine.name]]) if machine.name in known else ""
    word = "absent" if machine.is_missing else machine.word
    return [
        TableCell(machine.name, url=url),
        TableCell(chip=chip(word)),
        TableCell(when(datetime.fromisoformat(machine.since))),
        TableCell(_count(machine.blocks_left)),
        TableCell(_count(machine.runs_left)),
        TableCell(_minutes(machine.seconds_left)),
        TableCell(machine.said or numbers.NONE),
    ]


def _count(value: int | None) -> str:
    return numbers.NONE if value is None else numbers.count(value)


def _minutes(seconds: float | None) -> str:
    return numbers.NONE if seconds is None else _("{n} min").format(n=numbers.count(round(seconds / 60)))


ROUTES = (path("fleets/", fleets_page, name="fleets"),)
