"""Your case: a network as a reader has it, and which engine to take, wherever it was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from runs.charts.forest import Forest
from runs.findings.choices import Select, selects
from runs.findings.your_case import CASE_CHOICES, Asked, Place, asked_case, nearest, places, unheeded
from runs.models import Experiment
from runs.pages.parts.answers import answers_table, evidence_table, forest_of
from runs.pages.parts.cases import CaseForm, address_of_case, parameters_of
from runs.pages.parts.lists import when
from runs.pages.parts.rendering import Section, render_page, table_url
from runs.selectors.machines import regions_of
from runs.selectors.your_case import cells_of_case, experiments_of, measured_sizes
from runs.tables.table import Column, Table, TableCell
from runs.words import numbers
from runs.words.networks import network_name

SECTION = Section("answers")


@dataclass(frozen=True)
class CasePage:
    query: QueryDict
    asked: Asked
    found: Sequence[Place]
    """Of every machine, the best evidence first."""
    experiments: Mapping[int, Experiment]

    # ------------------------------------------------------------ what is asked

    @property
    def form(self) -> CaseForm:
        return CaseForm(self.asked, self.query, self._machines, self._machine, self._choices)

    @property
    def title(self) -> str:
        words = network_name(*self.form.size)
        return _("{network} on the {device}").format(network=words, device=self.asked.device.upper())

    @property
    def _machines(self) -> list[tuple[str, str]]:
        """Those that measured it; the first choice is all of them."""
        known = dict.fromkeys((str(place.machine_id), place.machine) for place in self.found)
        return [("", _("all of them")), *known]

    @property
    def _machine(self) -> str:
        wished = self.query.get("machine", "")
        return wished if wished in dict(self._machines) else ""

    @property
    def _choices(self) -> list[Select]:
        return (
            selects([(self.shown.answer.found.situation.network_type, self.shown.answer.facets)], _given(self.query))
            if self.shown
            else []
        )

    # ------------------------------------------------------------ the answer

    @cached_property
    def shown(self) -> Place | None:
        """The place that is asked for, or that has most to say."""
        own = [place for place in self.found if self._machine in ("", str(place.machine_id))]
        wished = self.query.get("experiment", "")
        return next((place for place in own if self._slug(place) == wished), next(iter(own), None))

    @property
    def experiment(self) -> Experiment | None:
        return self.experiments[self.shown.experiment_id] if self.shown else None

    @property
    def forest(self) -> Forest | None:
        return forest_of(self.shown.answer) if self.shown else None

    @property
    def evidence(self) -> Table | None:
        return evidence_table(self.shown.answer, self._slug(self.shown)) if self.shown else None

    @property
    def unheeded(self) -> str:
        """What was asked for and is not what the answer holds, in words."""
        return ", ".join(unheeded(self.shown.answer, _given(self.query))) if self.shown else ""

    @property
    def explore_url(self) -> str:
        if not self.shown:
            return ""
        held = {
            "experiment": self._slug(self.shown),
            "machine": str(self.shown.machine_id),
            **parameters_of(self.form.size),
            "device": self.asked.device,
        }
        for facet in self.shown.answer.facets:
            held[facet.name] = next(choice.value for choice in facet.choices if choice.selected)
        return f"{reverse('explore')}?{urlencode(held)}"

    # ------------------------------------------------------------ elsewhere

    @property
    def elsewhere(self) -> Table:
        """Every other place, each with its own answer: none of them is mixed with another."""
        columns = [
            Column(_("Machine")),
            Column(_("Experiment")),
            Column(_("Take")),
            Column(_("Fastest"), is_number=True),
            Column(_("On"), wraps=True),
        ]
        others = [place for place in self.found if place is not self.shown]
        return Table(_("The same network elsewhere"), columns, [self._row(place) for place in others])

    def _row(self, place: Place) -> list[TableCell]:
        answer, experiment = place.answer, self.experiments[place.experiment_id]
        fastest = next((row.engine for row in answer.found.rows if row.ratio), "")
        cell = answer.cells.get(fastest)
        return [
            TableCell(place.machine, url=f"?{self._at(place)}"),
            TableCell(experiment.name, small=when(place.measured_at)),
            TableCell(_(" or ").join(answer.headline) or (_("unresolved") if answer.has_times else _("no time"))),
            TableCell(numbers.seconds(cell.estimate.seconds) if cell and cell.estimate else numbers.NONE),
            TableCell(answer.basis or numbers.NONE),
        ]

    def _at(self, place: Place) -> str:
        query = self.query.copy()
        query["machine"], query["experiment"] = str(place.machine_id), self._slug(place)
        return query.urlencode()

    def _slug(self, place: Place) -> str:
        return self.experiments[place.experiment_id].slug

    # ------------------------------------------------------------ what to do where there is no answer

    @cached_property
    def near(self) -> list[tuple[str, str]]:
        """Measured networks to look at instead: the nearest of the family, or all where nothing was asked."""
        measured = measured_sizes()
        offered = nearest(self.asked.size, measured) if self.asked.size else measured
        return [(network_name(*size), address_of_case(size, self.asked.device)) for size in offered]

    @property
    def command(self) -> str:
        """What measures the case on the reader's own machine."""
        size = self.form.size
        gpu = " --devices gpu" if self.asked.device == "gpu" else ""
        return f"python manage.py runbench --networks {size.network_type}:{size.hidden_layers}x{size.width}{gpu}"


def _given(query: QueryDict) -> dict[str, list[str]]:
    return {name: query.getlist(name) for name in query}


def asked_page(query: QueryDict) -> CasePage:
    asked = asked_case({name: query.get(name, "") for name in query})
    rows = cells_of_case(asked)
    wished = {facet.name: query.getlist(facet.name) for facet in CASE_CHOICES}
    found = places(rows, asked, regions_of(row.machine_id for row in rows), wished)
    return CasePage(query, asked, found, experiments_of(place.experiment_id for place in found))


def your_case(request: HttpRequest) -> HttpResponse:
    query = request.GET.urlencode()
    return render_page(
        request,
        "your_case",
        SECTION,
        found=asked_page(request.GET),
        csv_url=table_url("your-case", "csv", query),
        table_json_url=table_url("your-case", "json", query),
    )


def case_table(query: QueryDict) -> Table:
    """The answer that the page shows, in the form of the recommendation's file."""
    shown = asked_page(query).shown
    return answers_table([shown.answer] if shown else [])


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("your-case/", your_case, name="your-case"),)
TABLES = {"your-case": case_table}
