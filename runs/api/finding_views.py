"""What follows from runs: comparisons, speed-ups, scaling, the recommendation, the study's claims, charts."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from django.http import Http404, QueryDict
from django.urls import reverse
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from engines.contract import Task
from runs.api import cases, findings, queries
from runs.api import finding_documents as documents
from runs.api.base import View
from runs.api.documents import PageOf
from runs.api.schema import described
from runs.findings.your_case import Size
from runs.pages import files
from runs.pages.index import CHARTS, SPECS
from runs.selectors.scopes import Scope


@described(documents.Comparison, query=queries.ComparisonQuery, missing=True)
class Comparisons(View):
    """The engines side by side, the fastest first at each network, as the page Explore has them."""

    query_model = queries.ComparisonQuery

    def get(self, request: Request) -> Response:
        findings.asked_scope(self.query.experiment, self.query.machine, self.query.gpu_machine)
        return Response(findings.comparison(request.query_params))


class ScopeView(View):
    """One finding about one experiment on one machine."""

    query_model = queries.ScopeQuery
    task: ClassVar[Task] = "train"
    finding: ClassVar[Callable[[Scope, QueryDict], BaseModel]]

    def get(self, request: Request) -> Response:
        asked = self.query
        scope = findings.asked_scope(asked.experiment, asked.machine, asked.gpu_machine, task=self.task)
        return Response(type(self).finding(scope, request.query_params))


@described(documents.SpeedUps, query=queries.ChoiceQuery, missing=True)
class SpeedUps(ScopeView):
    """The GPU over one CPU thread: the study's values, and what was measured here."""

    query_model = queries.ChoiceQuery
    finding = findings.speed_up_document


@described(documents.Scaling, missing=True)
class Scaling(ScopeView):
    """Speed-up and efficiency over CPU threads."""

    finding = findings.scaling_document


@described(documents.Replication, missing=True)
class Replication(ScopeView):
    """Data-parallel training: samples a second over replicas, of one batch shared and of a batch for each."""

    finding = findings.replication_document


@described(documents.Hardware, query=queries.HardwareQuery, missing=True)
class Hardware(ScopeView):
    """Which hardware: one network on the machines of an experiment, and every network's fastest machine."""

    query_model = queries.HardwareQuery
    finding = findings.hardware


@described(documents.DataSets, query=queries.DataQuery, missing=True)
class DataSets(ScopeView):
    """What the data set changes: one network on several, and whether the choice of an engine depends on it."""

    query_model = queries.DataQuery
    finding = findings.data_sets


@described(documents.Inference, query=queries.InferenceQuery, missing=True)
class Inference(ScopeView):
    """How fast engines answer: calls of one network over batch sizes, and how they stand when they train it."""

    query_model = queries.InferenceQuery
    task = "infer"
    finding = findings.inference


@described(documents.Recommendation, query=queries.AnswerQuery, missing=True)
class Recommendation(ScopeView):
    """Which engine to take in each situation, and what it rests on."""

    query_model = queries.AnswerQuery
    finding = findings.recommendation


@described(documents.YourCase, query=queries.CaseQuery)
class YourCase(View):
    """Which engine to take for one network: over all experiments and machines, each place with its own answer."""

    query_model = queries.CaseQuery

    def get(self, request: Request) -> Response:
        asked = self.query
        size = Size(asked.network, asked.layers, asked.width)
        return Response(cases.your_case(size, asked.device, request.query_params))


@described(documents.Claims, missing=True)
class Claims(ScopeView):
    """The study's claims, each judged on what was measured here."""

    finding = findings.claims


@described(PageOf[documents.ChartEntry])
class Charts(View):
    """The charts there are."""

    def get(self, request: Request) -> Response:
        entries = [
            documents.ChartEntry(
                slug=slug,
                title=str(SPECS[slug].title),
                address=request.build_absolute_uri(reverse("api:chart", args=[slug])),
            )
            for slug in CHARTS
        ]
        return Response(PageOf[documents.ChartEntry](results=entries, next=None))


@described(documents.Chart, query=queries.ChartQuery, missing=True)
class OneChart(View):
    """A chart as Chart.js draws it; its parameters are those of the page that shows it."""

    query_model = queries.ChartQuery

    def get(self, request: Request, slug: str) -> Response:
        if not self.query.run:
            findings.asked_scope(self.query.experiment, self.query.machine, self.query.gpu_machine)
        if slug not in CHARTS:
            raise Http404(f"There is no chart {slug!r}. Known charts: {', '.join(CHARTS)}.")
        return Response(files.document(CHARTS[slug](request._request.GET)))
