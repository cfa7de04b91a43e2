"""Runs: the list, one with its record, uploads; exclusions and the log of acts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from engines.run_record import RunRecord
from runs.api import documents, paging, queries, translation
from runs.api.base import ListView, StreamingListView, View, body_of, columns_of, needed, token_of
from runs.api.documents import Reason, UploadResult
from runs.api.exceptions import RefusedBatchError
from runs.api.record_views import selectors_filtered
from runs.api.schema import RECORDS, described
from runs.api.uploads import Parsed, RecordLinesParser, RecordsParser, parsed_records
from runs.errors import ForbiddenError, NotFoundError, RecordError
from runs.models import Act, Run
from runs.services import curation
from runs.services.recording import Refusal, record_runs
from runs.services.registration import Uploader

RUN_RELATIONS = ("experiment", "machine", "workload", "excluded_by")


class Runs(StreamingListView):
    query_model = queries.RunQuery
    write_query_model = queries.UploadQuery
    parser_classes = (RecordsParser, RecordLinesParser)
    document = translation.run
    columns = columns_of(documents.Run)

    def rows(self) -> QuerySet[Any]:
        found = selectors_filtered(Run.objects, self.query)
        if self.query.excluded is not None:
            found = found.filter(excluded_at__isnull=not self.query.excluded)
        # Many runs share few machines and workloads: each is read once, not once for each of its runs.
        return found.select_related("excluded_by").prefetch_related("experiment", "machine", "workload").defer("body")

    def order(self) -> paging.Order:
        return paging.ORDERS[self.query.ordering]

    @described(documents.PageOf[documents.Run], query=queries.RunQuery, streams=True)
    def get(self, request: Request) -> Any:
        """Runs, the newest first. With `format=csv` or `format=jsonl` all of them, not only a page."""
        return super().get(request)

    @described(documents.UploadAnswer, query=queries.UploadQuery, writes=RECORDS, errors=(413, 422))
    def post(self, request: Request) -> Response:
        """Upload run records: one, an array, or one a line; gzip is welcome. A known record changes nothing."""
        token = token_of(request)
        parsed = parsed_records(_body(request))
        results = _recorded(parsed, Uploader(token.user, tuple(token.machines)), self.query)
        answer = _answer(results)
        if self.query.atomic and answer.refused:
            raise RefusedBatchError(
                f"Nothing was stored: {answer.refused} of {len(results)} records do not fit, and atomic asks for all.",
                {"results": [result.model_dump() for result in results]},
            )
        return Response(answer)


def _body(request: Request) -> bytes:
    body: Any = request.data
    return body if isinstance(body, bytes) else b""  # DRF does not parse an empty body


def _recorded(parsed: Sequence[Parsed], uploader: Uploader, query: queries.UploadQuery) -> list[UploadResult]:
    """One result for each, in order. An atomic batch with a record that is none never reaches the database."""
    records = [each for each in parsed if isinstance(each, RunRecord)]
    if query.atomic and len(records) < len(parsed):
        return [_result(index, each, "refused", _not_alone(each)) for index, each in enumerate(parsed)]
    report = record_runs(records=records, uploader=uploader, atomic=query.atomic, accept_hardware=query.accept_hardware)
    outcomes = iter(report.results)
    results = []
    for index, each in enumerate(parsed):
        if isinstance(each, RecordError):
            results.append(_result(index, each, "refused", _reasons(each)))
            continue
        outcome = next(outcomes)
        results.append(_result(index, each, outcome.outcome, [_reason(outcome.refusal)] if outcome.refusal else []))
    return results


def _result(index: int, record: Parsed, result: str, reasons: list[Reason]) -> UploadResult:
    run_id = record.run_id if isinstance(record, RunRecord) else None
    return UploadResult(index=index, run_id=run_id, result=result, reasons=reasons)


def _not_alone(record: Parsed) -> list[Reason]:
    if isinstance(record, RecordError):
        return _reasons(record)
    message = "Another record of this batch was refused, and all or none were to be stored."
    return [Reason(code="atomic", field="", value="", allowed="", message=message)]


def _reasons(error: RecordError) -> list[Reason]:
    problems = error.extra.get("problems") or [{"field": "document", "value": "", "allowed": error.message}]
    return [
        Reason(
            code="invalid",
            field=each["field"],
            value=each["value"],
            allowed=each["allowed"],
            message=f"{each['field']} is {each['value']}, allowed: {each['allowed']}",
        )
        for each in problems[:20]
    ]


def _reason(refusal: Refusal) -> Reason:
    return Reason(
        code=refusal.code,
        field=refusal.field,
        value=refusal.value,
        allowed=refusal.allowed,
        message=refusal.reason,
    )


def _answer(results: list[UploadResult]) -> documents.UploadAnswer:
    counted = [result.result for result in results]
    return documents.UploadAnswer(
        stored=counted.count("stored"),
        known=counted.count("known"),
        refused=counted.count("refused"),
        results=results,
    )


@described(documents.RunWithRecord, missing=True)
class OneRun(View):
    """One run, with its whole record."""

    def get(self, request: Request, run_id: UUID) -> Response:
        return Response(translation.run_with_record(_run(run_id, "environment_part", "machine_part")))


def _run(run_id: UUID, *relations: str) -> Run:
    row: Run | None = Run.objects.select_related(*RUN_RELATIONS, *relations).filter(run_id=run_id).first()
    if row is None:
        raise NotFoundError(f"There is no run {run_id}.")
    return row


# ---------------------------------------------------------------- exclusions


class Exclusions(ListView):
    """Runs that comparisons leave out."""

    def rows(self) -> QuerySet[Any]:
        return Run.objects.filter(excluded_at__isnull=False).select_related(*RUN_RELATIONS).defer("body")

    def translated(self, rows: Sequence[Run]) -> list[BaseModel]:
        return [translation.excluded_run(row) for row in rows]

    @described(documents.PageOf[documents.ExcludedRun], query=queries.PageQuery)
    def get(self, request: Request) -> Response:
        """Runs that comparisons leave out, each with its reason."""
        return super().get(request)

    @described(documents.Run, writes={"run": "string", "reason": "string"}, errors=(404,), status=201)
    def post(self, request: Request) -> Response:
        """Leave a run out of every comparison. Its machine's owner and the staff may; the reason is for everybody."""
        wished = body_of(request, run=str, reason=str)
        run_id, reason = needed(wished, "run"), needed(wished, "reason")
        _check_token(request, run_id)
        row = curation.exclude_run(run_id=run_id, reason=reason, by=token_of(request).user)
        return Response(translation.run(_run(row.run_id)), status=201)


class OneExclusion(View):
    @described(documents.Run, writes={"reason": "string"}, missing=True)
    def post(self, request: Request, run_id: UUID) -> Response:
        """Take an excluded run into comparisons again, with a reason."""
        reason = needed(body_of(request, reason=str), "reason")
        _check_token(request, str(run_id))
        row = curation.restore_run(run_id=str(run_id), reason=reason, by=token_of(request).user)
        return Response(translation.run(_run(row.run_id)))


def _check_token(request: Request, run_id: str) -> None:
    """A run that its caller cannot see is not there; a token for some machines alone is for their runs alone."""
    try:
        row = _run(UUID(run_id))
    except ValueError:
        raise NotFoundError(f"There is no run {run_id[:36]!r}.") from None
    machines = token_of(request).machines
    if machines and row.machine.name not in machines:
        raise ForbiddenError(f"This token is for other machines: {', '.join(machines)}.")


@described(documents.PageOf[documents.Act])
class Acts(ListView):
    """The log: who excluded, restored, renamed, merged or hid what, when and why, the newest first."""

    def rows(self) -> QuerySet[Any]:
        return Act.objects.select_related("user", "experiment", "machine")

    def translated(self, rows: Sequence[Act]) -> list[BaseModel]:
        return [translation.act(row) for row in rows]
