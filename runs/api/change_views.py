"""What changed over time: the changes that were found, their acknowledgement, one engine's history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.db.models import QuerySet
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from runs.api import change_documents as documents
from runs.api import queries
from runs.api.base import ListView, View, body_of, needed, token_of
from runs.api.documents import PageOf
from runs.api.schema import described
from runs.errors import NotFoundError
from runs.findings import history
from runs.models import Change
from runs.pages.history import asked_history
from runs.selectors.changes import found_changes
from runs.selectors.history import Series
from runs.services.changes import acknowledge


@described(PageOf[documents.Change], query=queries.ChangeQuery)
class Changes(ListView):
    """Changes between releases and over time, each once, the one found last first."""

    query_model = queries.ChangeQuery

    def rows(self) -> QuerySet[Any]:
        found = found_changes()
        found = found.filter(engine=self.query.engine) if self.query.engine else found
        found = found.filter(machine=self.query.machine) if self.query.machine else found
        if self.query.open:
            found = found.filter(gone_at__isnull=True, acknowledged_at__isnull=True)
        return found

    def translated(self, rows: Sequence[Change]) -> list[BaseModel]:
        return [translated_change(row) for row in rows]


class Acknowledgement(View):
    @described(documents.Change, writes={"reason": "string"}, missing=True)
    def post(self, request: Request, pk: int) -> Response:
        """Say why a change stands; it then fails no command any more. The staff may."""
        reason = needed(body_of(request, reason=str), "reason")
        user = token_of(request).user
        if not found_changes().filter(pk=pk).exists():
            raise NotFoundError(f"There is no change {pk}.")
        acknowledge(change_id=pk, reason=reason, by=user)
        return Response(translated_change(found_changes().get(pk=pk)))


def translated_change(row: Change) -> documents.Change:
    return documents.Change(
        number=row.pk,
        kind=row.kind,
        machine=row.machine.name,
        machine_id=row.machine_id,
        experiment=row.experiment.slug,
        before_experiment=row.before_experiment.slug if row.before_experiment else None,
        workload_id=row.workload_id,
        engine=row.engine,
        track=row.track,
        device=row.device,
        threads=row.threads,
        before_release=row.before_release,
        after_release=row.after_release,
        before_at=row.before_at,
        after_at=row.after_at,
        ratio=row.ratio,
        low=row.low,
        high=row.high,
        p=row.p,
        runs_before=row.runs_before,
        runs_after=row.runs_after,
        series=row.series,
        changed=row.changed,
        found_at=row.found_at,
        gone_at=row.gone_at,
        episode=row.episode,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by.get_username() if row.acknowledged_by else None,
        acknowledgement=row.acknowledgement,
    )


@described(documents.History, query=queries.HistoryQuery, missing=True)
class History(View):
    """One engine at one network on one machine, over dates and over releases, as the page History has it."""

    query_model = queries.HistoryQuery

    def get(self, request: Request) -> Response:
        page = asked_history(request._request.GET)
        found = {"machine": page.machine and page.machine.pk, "engine": page.engine or None}
        found["workload"] = page.workload.pk if page.workload else None
        for name, value in found.items():
            wished = getattr(self.query, name)
            if wished is not None and wished != value:
                raise NotFoundError(f"There is no history of the {name} {wished!r} there.", {"field": name})
        return Response(
            documents.History(
                machine=page.machine.name if page.machine else None,
                machine_id=page.machine.pk if page.machine else None,
                engine=page.engine or None,
                workload_id=page.workload.pk if page.workload else None,
                network=str(page.workload.network) if page.workload else None,
                data=page.workload.data_label if page.workload else None,
                lines=[_line(series, each) for series, each in page.lines.items()],
            )
        )


@lru_cache(maxsize=20)
def _line(series: Series, found: history.History) -> documents.Line:
    """Kept: a history stays the same object as long as nothing changes in it."""
    moments = {id(each): _moment(each) for each in found.timed}
    return documents.Line(
        track=series.track,
        device=series.device,
        threads=series.threads,
        over_time=[moments[id(each)] for each in found.over_time],
        over_releases=[moments[id(each)] for each in found.over_releases],
        transitions=[_transition(each, moments) for each in found.transitions],
    )


def _moment(moment: history.Moment) -> documents.Moment:
    found = moment.row.estimate
    assert found, "only what has a time is a moment of a history"
    return documents.Moment(
        experiment=moment.slug,
        at=moment.at,
        release=moment.release,
        environment_id=moment.row.environment_id,
        engine_sha256=moment.row.engine_sha256,
        seconds=found.seconds,
        low=found.low,
        high=found.high,
        runs=found.runs,
    )


def _transition(transition: history.Transition, moments: Mapping[int, documents.Moment]) -> documents.Transition:
    ratio = transition.ratio
    return documents.Transition(
        before=moments[id(transition.before)],
        after=moments[id(transition.after)],
        ratio=ratio.value,
        low=ratio.low,
        high=ratio.high,
        verdict=transition.verdict,
        how=transition.how,
        p=transition.p,
        changed=[str(each) for each in transition.changed],
    )
