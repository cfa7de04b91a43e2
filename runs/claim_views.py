"""The study's claims: judged on one experiment and machine, listed, and each with the numbers behind its verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _

from runs.charts.strip import Answered, Strip, strip
from runs.charts.style import Chip
from runs.figures import figures, look_of
from runs.findings import claims as judging
from runs.findings.cells import CellRow
from runs.pages.parts.rendering import render_page, table_url
from runs.pages.parts.selects import gpu_machine_select
from runs.selectors.cells import cells_of
from runs.selectors.machines import region_of
from runs.selectors.scopes import Scope, asked_scope
from runs.selectors.study import hardware_of
from runs.stats import Ratio
from runs.study.claims import CLAIMS, Evidence, JudgedClaim, Measured
from runs.study.claims.missing import MissingCells
from runs.tables.table import Column, Table, TableCell, ratio_values
from runs.words import numbers
from runs.words.engines import engine_title
from runs.words.reasons import reason_in_words
from runs.words.study import in_readers_words

VERDICT_TONES: Mapping[str, str] = {
    "holds": "good",
    "mixed": "warn",
    "does not hold": "bad",
    "not enough runs": "none",
    "cannot be measured today": "none",
}


def asked_cells(query: QueryDict) -> tuple[Scope, list[CellRow]]:
    scope = asked_scope(query)
    return scope, cells_of(scope)


def judged(scope: Scope, rows: Sequence[CellRow], *, rope: float | None = None) -> Sequence[JudgedClaim]:
    """`rope` is looked up where it is not given."""
    rope = region_of(*scope.measured_on) if rope is None else rope
    return judging.judged(judging.measured(rows, hardware_of(scope)), rope)


def claim_chip(claim: JudgedClaim) -> Chip:
    return Chip(_(claim.verdict), VERDICT_TONES[claim.verdict])


@dataclass(frozen=True)
class ClaimStrip:
    words: str
    chip: Chip
    strip: Strip


def claim_strips(claim: JudgedClaim) -> list[ClaimStrip]:
    """One for each part that has numbers."""
    regions = [part.region for part in CLAIMS[claim.id].parts]
    made = []
    for part, region in zip(claim.parts, regions, strict=True):
        answers = [
            Answered(
                found.ratio.value, found.ratio.low, found.ratio.high, found.answer, _evidence_words(found, found.ratio)
            )
            for found in part.evidence
            if found.ratio
        ]
        chip = Chip(_(part.verdict), VERDICT_TONES[part.verdict])
        if answers:
            made.append(ClaimStrip(in_readers_words(part.words), chip, strip(answers, (region.low, region.high))))
    return made


def _evidence_words(found: Evidence, ratio: Ratio) -> str:
    return f"{in_readers_words(found.words)}: {numbers.times(ratio.value)}, {_(found.answer)}"


def claim_list(request: HttpRequest) -> HttpResponse:
    scope, rows = asked_cells(request.GET)
    cells = judging.measured(rows, hardware_of(scope))
    found_claims = judging.judged(cells, region_of(*scope.measured_on))
    wished = request.GET.get("verdict", "")
    shown = [claim for claim in found_claims if not wished or claim.verdict == wished]
    query = request.GET.urlencode()
    return render_page(
        request,
        "claims",
        "claims",
        scope=scope,
        selects=gpu_machine_select(scope),
        held=_conditions(scope, cells),
        claims=[(claim, claim_chip(claim), claim_strips(claim)[:1], _tally(claim)) for claim in shown],
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


def claim_cells(claims: Sequence[JudgedClaim]) -> list[tuple[JudgedClaim, Chip]]:
    """The strip of cells, grouped by verdict."""
    return sorted(((claim, claim_chip(claim)) for claim in claims), key=lambda pair: _verdict_place(pair[0]))


def _verdict_place(claim: JudgedClaim) -> int:
    return list(VERDICT_TONES).index(claim.verdict)


def claim_counts(claims: Sequence[JudgedClaim]) -> list[tuple[str, Chip, int]]:
    """How many have each verdict that occurs, best first."""
    counts: Counter[str] = Counter(claim.verdict for claim in claims)
    kinds = [verdict for verdict in VERDICT_TONES if counts[verdict]]
    return [(verdict, Chip(_(verdict), VERDICT_TONES[verdict]), counts[verdict]) for verdict in kinds]


def _tally(claim: JudgedClaim) -> str:
    asked = len(claim.evidence)
    agree = claim.answers["agrees"]
    return _("{agree} of {asked} questions agree").format(agree=numbers.count(agree), asked=numbers.count(asked))


def claim(request: HttpRequest, claim_id: str) -> HttpResponse:
    if claim_id not in CLAIMS:
        raise Http404(f"There is no claim {claim_id!r}.")
    scope, rows = asked_cells(request.GET)
    cells = judging.measured(rows, hardware_of(scope))
    found_claims = judging.judged(cells, region_of(*scope.measured_on))
    place = next(at for at, each in enumerate(found_claims) if each.id == claim_id)
    found = found_claims[place]
    return render_page(
        request,
        "claim",
        "claims",
        scope=scope,
        selects=gpu_machine_select(scope),
        held=_conditions(scope, cells),
        claim=found,
        chip=claim_chip(found),
        strips=claim_strips(found),
        table=_evidence_table(found),
        missing=[_lack_words(each) for each in found.missing],
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


_ANSWER_TONES = {"agrees": "good", "disagrees": "bad", "unresolved": "warn"}


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
                chip=Chip(_(found.answer), _ANSWER_TONES.get(found.answer, "none")),
                title=found.difference,
                values=(found.answer, found.difference),
            ),
        ]
        for found in claim.evidence
    ]
    return Table(_("The numbers behind the verdict"), columns, rows)


def claim_table(query: QueryDict) -> Table:
    scope, rows = asked_cells(query)
    found = next((each for each in judged(scope, rows) if each.id == query.get("claim")), None)
    if found is None:
        raise Http404("There is no such claim.")
    return _evidence_table(found)


_HELD = ("experiment", "machine", "gpu_machine", "data", "engines")


def _held(scope: Scope, rows: Sequence[CellRow]) -> tuple[str, ...]:
    """What all verdicts rest on: where, on which data with which training, and with which release and code."""
    measured = judging.measured(rows, hardware_of(scope))
    versions = [f"{engine_title(engine)}, {device}: {each}" for (engine, device), each in measured.versions.items()]
    return (
        scope.experiment.slug if scope.experiment else "",
        scope.machine.name if scope.machine else "",
        scope.gpu_machine.name if scope.gpu_machine else "",
        "; ".join(measured.data),
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
        for claim in judged(scope, rows)
    ]
    return Table(_("The study's claims"), columns, rows_)
