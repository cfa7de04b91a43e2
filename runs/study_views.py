"""The pages that hold the study against what was measured: its figures, its claims, its threads; and any two sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _

from runs import claim_rows, formats, run_figures, selectors
from runs.cells import CellRow
from runs.charts import build
from runs.charts.build import Chart
from runs.charts.strip import Answered, Strip, strip
from runs.charts.style import Chip
from runs.compare import compared
from runs.explore import Option, scope_query
from runs.figures import StudyFigure, figures, look_of
from runs.noise import region_of
from runs.rendering import chart_url, render_page, table_url
from runs.study.claims import CLAIMS, JudgedClaim, judge_claims
from runs.study.published import published
from runs.study_words import in_readers_words
from runs.tables import Column, Table, TableCell, in_order, ratio_values
from runs.threads import ThreadScaling

VERDICT_TONES: Mapping[str, str] = {
    "holds": "good",
    "mixed": "warn",
    "does not hold": "bad",
    "not enough runs": "none",
    "cannot be measured today": "none",
}


def _asked(query: QueryDict) -> tuple[selectors.Scope, list[CellRow]]:
    scope = selectors.scope(query.get("experiment", ""), query.get("machine", ""))
    return scope, selectors.cells_of(scope)


def judged(scope: selectors.Scope, rows: Sequence[CellRow], *, rope: float | None = None) -> list[JudgedClaim]:
    """`rope` is looked up where it is not given."""
    rope = region_of(scope.machine) if rope is None else rope
    hardware = scope.machine.hardware if scope.machine else {}
    return judge_claims(published(), claim_rows.measured(rows, hardware), rope=rope)


def claim_chip(claim: JudgedClaim) -> Chip:
    return Chip(_(claim.verdict), VERDICT_TONES[claim.verdict])


# ---------------------------------------------------------------- figures


def figure_list(request: HttpRequest) -> HttpResponse:
    scope, rows = _asked(request.GET)
    verdicts = {claim.id: claim_chip(claim) for claim in judged(scope, rows)}
    found = figures(rows, look_of(request.GET))
    return render_page(
        request,
        "figures",
        "figures",
        scope=scope,
        figures=[(figure, [verdicts[claim] for claim in figure.claims]) for figure in found],
        switches=_figure_switches(request.GET, with_scale=False),
        kept={name: request.GET[name] for name in ("engines", "look") if name in request.GET},
        is_synthetic=any(row.is_synthetic for row in rows),
    )


def _figure_switches(query: QueryDict, *, with_scale: bool, scale: str = "") -> list[tuple[str, list[Option]]]:
    def option(words: str, name: str, value: str) -> Option:
        changed = query.copy()
        changed.pop(name, None)
        if value:
            changed[name] = value
        return Option(words, changed.urlencode(), query.get(name, "") == value)

    found = [
        (_("Engines"), [option(_("The study's"), "engines", ""), option(_("All engines"), "engines", "all")]),
        (_("Colours"), [option(_("Today's colours"), "look", ""), option(_("The study's greys"), "look", "study")]),
    ]
    if with_scale:
        both = [option(_("Linear"), "scale", "linear"), option(_("Log"), "scale", "log")]
        found.append((_("Scale"), [Option(each.label, each.query, f"scale={scale}" in each.query) for each in both]))
    return found


def _asked_figure(number: str, query: QueryDict) -> tuple[selectors.Scope, list[CellRow], list[StudyFigure], int]:
    scope, rows = _asked(query)
    found = figures(rows, look_of(query, scope_query(scope)))
    place = next((at for at, figure in enumerate(found) if figure.slug == number), None)
    if place is None:
        raise Http404(f"The study has no figure {number!r}. It has 4-1 to 4-20.")
    return scope, rows, found, place


def figure(request: HttpRequest, number: str) -> HttpResponse:
    scope, rows, found, place = _asked_figure(number, request.GET)
    shown = found[place]
    query = _with_number(request.GET, number)
    claims = [claim for claim in judged(scope, rows) if claim.id in shown.claims]
    return render_page(
        request,
        "figure",
        "figures",
        scope=scope,
        figure=shown,
        chart=shown.chart,
        chart_url=chart_url("figure", query),
        summary=build.summary(shown.chart),
        table=in_order(shown.table, request.GET.get("sort", "")),
        claims=[(claim, claim_chip(claim), _claim_strips(claim)) for claim in claims],
        switches=_figure_switches(request.GET, with_scale=True, scale=shown.scale),
        kept={name: request.GET[name] for name in ("engines", "look", "scale") if name in request.GET},
        before=found[place - 1] if place else None,
        after=found[place + 1] if place + 1 < len(found) else None,
        csv_url=table_url("figure", "csv", query),
        table_json_url=table_url("figure", "json", query),
        is_synthetic=shown.picked.is_synthetic,
    )


def _with_number(query: QueryDict, number: str) -> str:
    changed = query.copy()
    changed["figure"] = number
    return changed.urlencode()


def figure_chart(query: QueryDict) -> Chart:
    *_rest, found, place = _asked_figure(query.get("figure", ""), query)
    return found[place].chart


def figure_table(query: QueryDict) -> Table:
    *_rest, found, place = _asked_figure(query.get("figure", ""), query)
    return found[place].table


# ---------------------------------------------------------------- threads


def _asked_threads(query: QueryDict, *, with_figures: bool = False) -> tuple[selectors.Scope, ThreadScaling]:
    scope, rows = _asked(query)
    cores = (scope.machine.hardware if scope.machine else {}).get("cores")
    found = ThreadScaling(rows, query.get("network", ""), cores, scope_query(scope))
    if with_figures:
        drawn = [row for line in found.lines for row in line.cells.values()]
        read = run_figures.run_figures(scope, drawn)
        found = ThreadScaling(rows, query.get("network", ""), cores, scope_query(scope), read)
    return scope, found


def threads(request: HttpRequest) -> HttpResponse:
    scope, found = _asked_threads(request.GET, with_figures=True)
    query = request.GET.urlencode()
    charts = [(found.chart(slug), chart_url(slug, query)) for slug in THREAD_CHARTS] if found.lines else []
    return render_page(
        request,
        "threads",
        "threads",
        scope=scope,
        found=found,
        charts=[(chart, address, build.summary(chart), chart.spec.heading) for chart, address in charts],
        selects=[
            {
                "name": "network",
                "title": _("Network"),
                "choices": found.network_choices,
                "value": f"{found.network.type}-{found.network.hidden_layers}x{found.network.width}",
            }
        ]
        if found.network
        else [],
        table=in_order(found.table, request.GET.get("sort", "")),
        published=published().thread_scaling["mlp"],
        csv_url=table_url("threads", "csv", query),
        table_json_url=table_url("threads", "json", query),
        is_synthetic=found.is_synthetic,
    )


THREAD_CHARTS = ("threads-time", "threads-speed-up", "threads-efficiency")


def thread_chart(slug: str, query: QueryDict) -> Chart:
    return _asked_threads(query)[1].chart(slug)


def thread_table(query: QueryDict) -> Table:
    return _asked_threads(query, with_figures=True)[1].table


# ---------------------------------------------------------------- claims


@dataclass(frozen=True)
class ClaimStrip:
    words: str
    chip: Chip
    strip: Strip


def _claim_strips(claim: JudgedClaim) -> list[ClaimStrip]:
    """One for each part that has numbers."""
    regions = [part.region for part in CLAIMS[claim.id].parts]
    made = []
    for part, region in zip(claim.parts, regions, strict=True):
        answers = [
            Answered(found.ratio.value, found.ratio.low, found.ratio.high, found.answer, _evidence_words(found))
            for found in part.evidence
            if found.ratio
        ]
        chip = Chip(_(part.verdict), VERDICT_TONES[part.verdict])
        if answers:
            made.append(ClaimStrip(in_readers_words(part.words), chip, strip(answers, (region.low, region.high))))
    return made


def _evidence_words(found: Any) -> str:
    return f"{in_readers_words(found.words)}: {formats.times(found.ratio.value)}, {_(found.answer)}"


def claim_list(request: HttpRequest) -> HttpResponse:
    scope, rows = _asked(request.GET)
    found_claims = judged(scope, rows)
    wished = request.GET.get("verdict", "")
    shown = [claim for claim in found_claims if not wished or claim.verdict == wished]
    query = request.GET.urlencode()
    return render_page(
        request,
        "claims",
        "claims",
        scope=scope,
        claims=[(claim, claim_chip(claim), _claim_strips(claim)[:1], _tally(claim)) for claim in shown],
        counts=claim_counts(found_claims),
        all_claims=claim_cells(found_claims),
        total=len(found_claims),
        wished=wished,
        csv_url=table_url("claims", "csv", query),
        table_json_url=table_url("claims", "json", query),
        is_synthetic=any(row.is_synthetic for row in rows),
    )


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
    return _("{agree} of {asked} questions agree").format(agree=formats.count(agree), asked=formats.count(asked))


def claim(request: HttpRequest, claim_id: str) -> HttpResponse:
    if claim_id not in CLAIMS:
        raise Http404(f"There is no claim {claim_id!r}.")
    scope, rows = _asked(request.GET)
    found_claims = judged(scope, rows)
    place = next(at for at, each in enumerate(found_claims) if each.id == claim_id)
    found = found_claims[place]
    return render_page(
        request,
        "claim",
        "claims",
        scope=scope,
        claim=found,
        chip=claim_chip(found),
        strips=_claim_strips(found),
        table=_evidence_table(found),
        missing=[in_readers_words(str(each)) for each in found.missing],
        figures=[each for each in figures(rows, look_of({})) if claim_id in each.claims],
        before=found_claims[place - 1] if place else None,
        after=found_claims[place + 1] if place + 1 < len(found_claims) else None,
        csv_url=table_url("claim", "csv", _with_claim(request.GET, claim_id)),
        table_json_url=table_url("claim", "json", _with_claim(request.GET, claim_id)),
        is_synthetic=any(row.is_synthetic for row in rows),
    )


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
        Column(_("95 % interval"), is_number=True, exports=("interval",)),
        Column(_("Answer"), exports=("answer",)),
    ]
    rows = [
        [
            TableCell(in_readers_words(found.words)),
            TableCell(in_readers_words(found.expected)),
            TableCell(formats.times(found.ratio.value if found.ratio else None), values=ratio_values(found.ratio)),
            TableCell(formats.interval(found.ratio.low, found.ratio.high, "×") if found.ratio else formats.NONE),
            TableCell(chip=Chip(_(found.answer), _ANSWER_TONES.get(found.answer, "none")), values=(found.answer,)),
        ]
        for found in claim.evidence
    ]
    return Table(_("The numbers behind the verdict"), columns, rows)


def claim_table(query: QueryDict) -> Table:
    scope, rows = _asked(query)
    found = next((each for each in judged(scope, rows) if each.id == query.get("claim")), None)
    if found is None:
        raise Http404("There is no such claim.")
    return _evidence_table(found)


def claims_table(query: QueryDict) -> Table:
    scope, rows = _asked(query)
    columns = [Column("id"), Column("statement"), Column("verdict"), Column("agree"), Column("asked")]
    rows_ = [
        [
            TableCell(claim.id),
            TableCell(claim.statement),
            TableCell(claim.verdict),
            TableCell(values=(claim.answers["agrees"],)),
            TableCell(values=(len(claim.evidence),)),
        ]
        for claim in judged(scope, rows)
    ]
    return Table(_("The study's claims"), columns, rows_)


# ---------------------------------------------------------------- two sides


def compare(request: HttpRequest) -> HttpResponse:
    found = compared(request.GET)
    query = request.GET.urlencode()
    swapped = QueryDict(mutable=True)
    for name, values in request.GET.lists():
        swapped.setlist({"a": "b", "b": "a"}.get(name[:1], name[:1]) + name[1:] if name[1:2] == "_" else name, values)
    return render_page(
        request,
        "compare",
        "compare",
        found=found,
        scope=found.a.scope,
        table=in_order(found.table, request.GET.get("sort", "")),
        swap_query=swapped.urlencode(),
        csv_url=table_url("compare", "csv", query),
        table_json_url=table_url("compare", "json", query),
        is_synthetic=found.is_synthetic,
    )


def compare_table(query: QueryDict) -> Table:
    return compared(query).table
