"""The study's claims: listed, and each with the numbers behind its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from runs.charts.style import Chip, chip
from runs.findings.cells import CellRow
from runs.findings.claims import judged, measured
from runs.pages.figures import figures, look_of
from runs.pages.parts.asked import asked_cells
from runs.pages.parts.rendering import Section, render_page, table_url
from runs.pages.parts.selects import gpu_machine_select
from runs.pages.parts.verdicts import (
    ClaimStrip,
    by_situation,
    claim_cells,
    claim_chip,
    claim_counts,
    claim_strips,
    needs_a_gpu,
    settling_command,
)
from runs.selectors.machines import region_of
from runs.selectors.scopes import Scope
from runs.selectors.study import hardware_of, judged_on
from runs.study.claims import CLAIMS, JudgedClaim, Measured
from runs.study.claims.missing import MissingCells
from runs.tables.table import Column, Table, TableCell, ratio_values
from runs.words import numbers
from runs.words.engines import engine_title
from runs.words.reasons import reason_in_words
from runs.words.study import in_readers_words

SECTION = Section("claims", gettext_noop("Claims"), "claims")


def claim_list(request: HttpRequest) -> HttpResponse:
    scope, rows = asked_cells(request.GET)
    cells = measured(rows, hardware_of(scope))
    found_claims = judged(cells, region_of(*scope.measured_on))
    wished = request.GET.get("verdict", "")
    shown = [claim for claim in found_claims if not wished or claim.verdict == wished]
    query = request.GET.urlencode()
    return render_page(
        request,
        "claims",
        SECTION,
        scope=scope,
        selects=gpu_machine_select(scope),
        held=_conditions(scope, cells),
        situations=[(title, [_told(claim) for claim in own]) for title, own in by_situation(shown)],
        counts=claim_counts(found_claims),
        all_claims=claim_cells(found_claims),
        total=len(found_claims),
        wished=wished,
        csv_url=table_url("claims", "csv", query),
        table_json_url=table_url("claims", "json", query),
        is_synthetic=any(row.is_synthetic for row in rows),
    )


def _conditions(scope: Scope, measured: Measured) -> str:
    """On what data, and on which machines if they are two."""
    hosts = [f"CPU: {scope.machine} · GPU: {scope.gpu_machine}"] if scope.gpu_machine else []
    return " · ".join([*measured.data, *hosts])


def _told(claim: JudgedClaim) -> tuple[JudgedClaim, Chip, list[ClaimStrip], str]:
    return claim, claim_chip(claim), claim_strips(claim)[:1], _tally(claim)


def _tally(claim: JudgedClaim) -> str:
    asked = len(claim.evidence)
    agree = claim.answers["agrees"]
    return _("true in {agree} of {asked} comparisons").format(agree=numbers.count(agree), asked=numbers.count(asked))


def claim(request: HttpRequest, claim_id: str) -> HttpResponse:
    if claim_id not in CLAIMS:
        raise Http404(f"There is no claim {claim_id!r}.")
    scope, rows = asked_cells(request.GET)
    cells = measured(rows, hardware_of(scope))
    found_claims = judged(cells, region_of(*scope.measured_on))
    place = next(at for at, each in enumerate(found_claims) if each.id == claim_id)
    found = found_claims[place]
    return render_page(
        request,
        "claim",
        SECTION,
        scope=scope,
        selects=gpu_machine_select(scope),
        held=_conditions(scope, cells),
        claim=found,
        chip=claim_chip(found),
        strips=claim_strips(found),
        table=_evidence_table(found),
        missing=[_lack_words(each) for each in found.missing],
        command=settling_command(found),
        needs_a_gpu=needs_a_gpu(found),
        figures=[each for each in figures(rows, look_of({})) if claim_id in each.claims],
        before=found_claims[place - 1] if place else None,
        after=found_claims[place + 1] if place + 1 < len(found_claims) else None,
        csv_url=table_url("claim", "csv", _with_claim(request.GET, claim_id)),
        table_json_url=table_url("claim", "json", _with_claim(request.GET, claim_id)),
        is_synthetic=any(row.is_synthetic for row in rows),
    )


def _lack_words(lack: MissingCells) -> str:
    return in_readers_words(str(replace(lack, reason=reason_in_words(lack.reason))))


def _with_claim(query: QueryDict, claim_id: str) -> str:
    changed = query.copy()
    changed["claim"] = claim_id
    return changed.urlencode()


def _evidence_table(claim: JudgedClaim) -> Table:
    columns = [
        Column(_("Question"), wraps=True),
        Column(_("Expected"), wraps=True),
        Column(_("Measured"), is_number=True, exports=("ratio", "low", "high")),
        # xgettext:no-python-format
        Column(_("95 % interval"), is_number=True, exports=("interval",)),
        Column(_("Answer"), exports=("answer", "difference")),
    ]
    rows = [
        [
            TableCell(in_readers_words(found.words)),
            TableCell(in_readers_words(found.expected)),
            TableCell(numbers.times(found.ratio.value if found.ratio else None), values=ratio_values(found.ratio)),
            TableCell(numbers.interval(found.ratio.low, found.ratio.high, "×") if found.ratio else numbers.NONE),
            TableCell(
                chip=chip(found.answer),
                title=found.difference,
                values=(found.answer, found.difference),
            ),
        ]
        for found in claim.evidence
    ]
    return Table(_("The numbers behind the verdict"), columns, rows)


def claim_table(query: QueryDict) -> Table:
    scope, rows = asked_cells(query)
    found = next((each for each in judged_on(scope, rows) if each.id == query.get("claim")), None)
    if found is None:
        raise Http404("There is no such claim.")
    return _evidence_table(found)


_HELD = ("experiment", "machine", "gpu_machine", "data", "engines")


def _held(scope: Scope, rows: Sequence[CellRow]) -> tuple[str, ...]:
    """What all verdicts rest on: where, on which data with which training, and with which release and code."""
    found = measured(rows, hardware_of(scope))
    versions = [f"{engine_title(engine)}, {device}: {each}" for (engine, device), each in found.versions.items()]
    return (
        scope.experiment.slug if scope.experiment else "",
        scope.machine.name if scope.machine else "",
        scope.gpu_machine.name if scope.gpu_machine else "",
        "; ".join(found.data),
        "; ".join(versions),
    )


def claims_table(query: QueryDict) -> Table:
    scope, rows = asked_cells(query)
    names = ("id", "statement", "verdict", "agree", "asked", *_HELD)
    columns = [Column(name) for name in names]
    rows_ = [
        [
            TableCell(claim.id),
            TableCell(claim.statement),
            TableCell(claim.verdict),
            TableCell(values=(claim.answers["agrees"],)),
            TableCell(values=(len(claim.evidence),)),
            *(TableCell(words) for words in _held(scope, rows)),
        ]
        for claim in judged_on(scope, rows)
    ]
    return Table(_("The study's claims"), columns, rows_)


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (
    path("claims/", claim_list, name="claims"),
    path("claims/<slug:claim_id>/", claim, name="claim"),
)
TABLES = {"claims": claims_table, "claim": claim_table}
