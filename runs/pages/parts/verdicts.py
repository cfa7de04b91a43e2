"""Verdicts on claims as chips, cells and strips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

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


SITUATIONS = (
    ("mlp", "gpu", gettext_noop("MLPs on the GPU")),
    ("mlp", "cpu", gettext_noop("MLPs on one CPU thread")),
    ("mlp", "threads", gettext_noop("MLPs on several CPU threads")),
    ("cnn", "gpu", gettext_noop("CNNs on the GPU")),
    ("cnn", "cpu", gettext_noop("CNNs on one CPU thread")),
    ("cnn", "threads", gettext_noop("CNNs on several CPU threads")),
)
"""The words of a claim's id that say of what it speaks, and how a page calls that."""
_OF_ALL = gettext_noop("All networks and devices")


def situation_of(claim: JudgedClaim) -> str:
    """Of what a claim speaks, as its id says it: `mlp-gpu-…`; of several, of all."""
    words = claim.id.split("-")
    return _(next((title for network, on, title in SITUATIONS if words[0] == network and on in words), _OF_ALL))


def by_situation(claims: Sequence[JudgedClaim]) -> list[tuple[str, list[JudgedClaim]]]:
    """In the order of SITUATIONS, those of all networks last."""
    titles = [*(_(title) for _network, _on, title in SITUATIONS), _(_OF_ALL)]
    found = [(title, [claim for claim in claims if situation_of(claim) == title]) for title in titles]
    return [(title, own) for title, own in found if own]


def claim_cells(claims: Sequence[JudgedClaim]) -> list[tuple[JudgedClaim, Chip]]:
    """The strip of cells, grouped by verdict."""
    return sorted(((claim, claim_chip(claim)) for claim in claims), key=lambda pair: _verdict_place(pair[0]))


def _verdict_place(claim: JudgedClaim) -> int:
    return VERDICTS.index(claim.verdict)


def claim_counts(claims: Sequence[JudgedClaim]) -> list[tuple[str, Chip, str]]:
    """How many have each verdict that occurs, in words, best first."""
    counts: Counter[str] = Counter(claim.verdict for claim in claims)
    kinds = [verdict for verdict in VERDICTS if counts[verdict]]
    return [(verdict, chip(verdict), _count_words(verdict, counts[verdict])) for verdict in kinds]


def _count_words(verdict: str, n: int) -> str:
    words = {
        "holds": ngettext("{n} holds", "{n} hold", n),
        "mixed": ngettext("{n} is mixed", "{n} are mixed", n),
        "does not hold": ngettext("{n} does not hold", "{n} do not hold", n),
        "not enough runs": ngettext("{n} needs more runs", "{n} need more runs", n),
        "cannot be measured today": ngettext("{n} cannot be measured here", "{n} cannot be measured here", n),
    }
    return words[verdict].format(n=numbers.count(n))


def settling_command(claim: JudgedClaim) -> str:
    """What measures all that the claim asks."""
    network = claim.id.split("-")[0]
    networks = f" --networks {network}" if network in {known for known, _on, _title in SITUATIONS} else ""
    return f"python manage.py runbench --suite study{networks}"


def needs_a_gpu(claim: JudgedClaim) -> bool:
    return any("GPU" in each.where for each in claim.missing)
