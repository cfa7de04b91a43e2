"""How an answer is shown: the chips and marks of its engines, and its forest plot."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import QueryDict

from runs.charts.forest import Forest, Mark, forest
from runs.charts.style import Chip, SeriesStyle, chip, style_for
from runs.findings.cells import CellRow
from runs.findings.recommendation import Recommendation, Row
from runs.findings.situations import CHOICES, Answer, answers
from runs.selectors.study import published_recommendations
from runs.words.cells import missing_words
from runs.words.engines import engine_title
from runs.words.reasons import reason_in_words


def row_chip(row: Row) -> Chip:
    if row.verdict:
        return chip(row.verdict)
    return Chip(missing_words(row.missing.status if row.missing else "not_run"))


def row_style_in(found: Recommendation, row: Row) -> SeriesStyle:
    layers = found.workload.network.hidden_layers if found.workload else 16
    return style_for(row.engine, network_type=found.situation.network_type, hidden_layers=layers)


def forest_of(answer: Answer) -> Forest:
    return forest([_mark(answer.found, row) for row in answer.found.rows], rope=answer.rope)


def _mark(found: Recommendation, row: Row) -> Mark:
    ratio = row.ratio
    return Mark(
        title=engine_title(row.engine),
        style=row_style_in(found, row),
        chip=row_chip(row),
        value=ratio.value if ratio else None,
        low=ratio.low if ratio else None,
        high=ratio.high if ratio else None,
        reason=reason_in_words(row.missing.reason) if row.missing else "",
    )


def asked_answers(cells: Sequence[CellRow], query: QueryDict, rope: float) -> list[Answer]:
    wished = {facet.name: query.getlist(facet.name) for facet in CHOICES}
    return answers(cells, published_recommendations(), rope=rope, wished=wished)
