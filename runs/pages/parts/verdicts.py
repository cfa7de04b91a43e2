"""Verdicts on claims as chips, cells and strips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from runs.charts.strip import Answered, Strip, strip
from runs.charts.style import Chip, chip
from runs.stats import Ratio
from runs.study.claims import CLAIMS, Evidence, JudgedClaim
from runs.words import numbers
from runs.words.study import in_readers_words

VERDICTS = ("holds", "mixed", "does not hold", "not enough runs", "cannot be measured today")
"""Of claims, the best first."""


def claim_chip(claim: JudgedClaim) -> Chip:
    return chip(claim.verdict)


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
        if answers:
            made.append(
                ClaimStrip(in_readers_words(part.words), chip(part.verdict), strip(answers, (region.low, region.high)))
            )
    return made


def _evidence_words(found: Evidence, ratio: Ratio) -> str:
    return f"{in_readers_words(found.words)}: {numbers.times(ratio.value)}, {_(found.answer)}"


def claim_cells(claims: Sequence[JudgedClaim]) -> list[tuple[JudgedClaim, Chip]]:
    """The strip of cells, grouped by verdict."""
    return sorted(((claim, claim_chip(claim)) for claim in claims), key=lambda pair: _verdict_place(pair[0]))


def _verdict_place(claim: JudgedClaim) -> int:
    return VERDICTS.index(claim.verdict)


def claim_counts(claims: Sequence[JudgedClaim]) -> list[tuple[str, Chip, int]]:
    """How many have each verdict that occurs, best first."""
    counts: Counter[str] = Counter(claim.verdict for claim in claims)
    kinds = [verdict for verdict in VERDICTS if counts[verdict]]
    return [(verdict, chip(verdict), counts[verdict]) for verdict in kinds]
