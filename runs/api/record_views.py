"""What is stored: experiments, machines, environments, workloads, engines, summaries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from engines.registry import ENGINES
from runs.api import documents, queries, translation
from runs.api.base import ListView, StreamingListView, View, body_of, columns_of, needed, token_of
from runs.api.schema import described
from runs.errors import ForbiddenError, NotFoundError, RunsError
from runs.models import Environment, Experiment, Machine, Summary, Workload
from runs.selectors import coverage
from runs.selectors.coverage import engine_slugs
from runs.selectors.runs import RUN_FILTERS, conditions
from runs.services import curation


def _check_whole(request: Request) -> None:
    """A token for some machines alone changes nothing else."""
    if token_of(request).machines:
        raise ForbiddenError("This token is for some machines alone. Make one for all of yours.")


@described(documents.PageOf[documents.Experiment])
class Experiments(ListView):
    """Experiments, the newest first."""

    def rows(self) -> QuerySet[Any]:
        return Experiment.objects.select_related("owner")

    def translated(self, rows: Sequence[Experiment]) -> list[BaseModel]:
        extents = coverage.extents("experiment", [row.pk for row in rows])
        return [translation.experiment(row, extents[row.pk]) for row in rows]


class OneExperiment(View):
    @described(documents.Experiment, missing=True)
    def get(self, request: Request, slug: str) -> Response:
        """One experiment."""
        return Response(self._document(_experiment(slug)))

    @described(documents.Experiment, missing=True, writes={"name": "string", "is_private": "boolean"})
    def patch(self, request: Request, slug: str) -> Response:
        """Rename an experiment, or make it private or public. Its owner and the staff may."""
        row = _experiment(slug)
        _check_whole(request)
        wished = body_of(request, name=str, is_private=bool)
        if "name" in wished:
            row = curation.rename_experiment(experiment=row, name=wished["name"], by=token_of(request).user)
        if "is_private" in wished:
            row = curation.set_privacy(experiment=row, is_private=wished["is_private"], by=token_of(request).user)
        return Response(self._document(row))

    def _document(self, row: Experiment) -> documents.Experiment:
        return translation.experiment(row, coverage.extents("experiment", [row.pk])[row.pk])


def _experiment(slug: str) -> Experiment:
    row: Experiment | None = Experiment.objects.select_related("owner").filter(slug=slug).first()
    if row is None:
        raise NotFoundError(f"There is no experiment {slug!r}.")
    return row


@described(documents.PageOf[documents.Machine])
class Machines(ListView):
    """Machines, the newest first."""

    def rows(self) -> QuerySet[Any]:
        return Machine.objects.select_related("owner")

    def translated(self, rows: Sequence[Machine]) -> list[BaseModel]:
        extents = coverage.extents("machine", [row.pk for row in rows])
        return [translation.machine(row, extents[row.pk]) for row in rows]


def _machine(pk: int) -> Machine:
    row = Machine.objects.select_related("owner").filter(pk=pk).first() if pk < 2**63 else None
    if row is None:
        raise NotFoundError(f"There is no machine {pk}.")
    return row


def _machine_document(row: Machine) -> documents.Machine:
    return translation.machine(row, coverage.extents("machine", [row.pk])[row.pk])


class OneMachine(View):
    @described(documents.Machine, missing=True)
    def get(self, request: Request, pk: int) -> Response:
        """One machine."""
        return Response(_machine_document(_machine(pk)))

    @described(documents.Machine, missing=True, writes={"name": "string"})
    def patch(self, request: Request, pk: int) -> Response:
        """Rename a machine. Its owner and the staff may; records that bear the old name still belong to it."""
        row = _machine(pk)
        _check_whole(request)
        name = needed(body_of(request, name=str), "name")
        return Response(_machine_document(curation.rename_machine(machine=row, name=name, by=token_of(request).user)))


class Merge(View):
    @described(documents.Machine, missing=True, writes={"into": "integer"})
    def post(self, request: Request, pk: int) -> Response:
        """Two names of one machine become one: its runs go to the machine numbered `into`."""
        row = _machine(pk)
        _check_whole(request)
        into = needed(body_of(request, into=int), "into")
        if into < 1:
            raise RunsError("into is no machine's number.", {"field": "into", "value": into, "allowed": "1 or more"})
        by = token_of(request).user
        return Response(_machine_document(curation.merge_machines(machine=row, into=_machine(into), by=by)))


@described(documents.PageOf[documents.Environment])
class Environments(ListView):
    """Environments: the exact software of runs, the newest first."""

    def rows(self) -> QuerySet[Any]:
        return Environment.objects.all()

    def translated(self, rows: Sequence[Environment]) -> list[BaseModel]:
        return [translation.environment(row) for row in rows]


@described(documents.Environment, missing=True)
class OneEnvironment(View):
    """One environment."""

    def get(self, request: Request, pk: int) -> Response:
        row = Environment.objects.filter(pk=pk).first() if pk < 2**63 else None
        if row is None:
            raise NotFoundError(f"There is no environment {pk}.")
        return Response(translation.environment(row))


@described(documents.PageOf[documents.Workload])
class Workloads(ListView):
    """Workloads: a network, its data and how it is trained, the newest first."""

    def rows(self) -> QuerySet[Any]:
        return Workload.objects.all()

    def translated(self, rows: Sequence[Workload]) -> list[BaseModel]:
        return [translation.workload(row) for row in rows]


@described(documents.PageOf[documents.Engine])
class Engines(View):
    """Every engine that this site knows or has runs of."""

    def get(self, request: Request) -> Response:
        slugs = list(dict.fromkeys([*ENGINES, *engine_slugs()]))
        extents = coverage.extents("engine", slugs)
        found = [translation.engine(slug, extents[slug]) for slug in slugs]
        return Response(documents.PageOf[documents.Engine](results=found, next=None))


@described(documents.PageOf[documents.Summary], streams=True)
class Summaries(StreamingListView):
    """What each cell's runs add up to. With `format=csv` or `format=jsonl` all of them, not only a page."""

    query_model = queries.CellQuery
    document = translation.summary
    columns = columns_of(documents.Summary)

    def rows(self) -> QuerySet[Any]:
        return selectors_filtered(Summary.objects, self.query).select_related("experiment", "machine", "workload")


def selectors_filtered(manager: Any, query: BaseModel) -> QuerySet[Any]:
    """By the same filters as the page of runs."""
    wished = query.model_dump(include=set(RUN_FILTERS), exclude_none=True)
    found: QuerySet[Any] = manager.filter(**conditions(wished))
    return found
