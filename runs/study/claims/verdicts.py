"""The judging: measured cells answer questions, answers make a part's verdict, and parts the claim's. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from runs.stats import EQUIVALENCE, LogSamples, Ratio, Verdict, aggregate_ratio, judge
from runs.study.claims.declared import CLAIMS, Declared
from runs.study.claims.measured import CANNOT, Measured, Place
from runs.study.claims.missing import MissingCells, gathered
from runs.study.claims.notes import TABLES_AGREE_PARTLY, program_notes
from runs.study.claims.questions import Judgement, Pair, Question
from runs.study.claims.regions import Region
from runs.study.published import Claim, Published

ClaimVerdict = Literal["holds", "does not hold", "mixed", "not enough runs", "cannot be measured today"]
Answer = Literal["agrees", "disagrees", "unresolved", "not enough runs", "not alike", "cannot be measured today"]
VERDICTS: tuple[ClaimVerdict, ...] = ("holds", "mixed", "does not hold", "not enough runs", "cannot be measured today")


@dataclass(frozen=True)
class Evidence:
    """One question and what the cells say. `verdict` is the plain one on two engines side by side, else None."""

    words: str
    expected: str
    answer: Answer
    ratio: Ratio | None = None
    verdict: Verdict | None = None
    difference: str = ""
    """What the two sides differ in beside what the question is about: then there is no ratio."""


@dataclass(frozen=True)
class Part:
    words: str
    verdict: ClaimVerdict
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class JudgedClaim:
    """A claim, the verdict, and all that it rests on."""

    id: str
    statement: str
    verdict: ClaimVerdict
    parts: tuple[Part, ...]
    missing: tuple[MissingCells, ...]
    notes: tuple[str, ...]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return tuple(evidence for part in self.parts for evidence in part.evidence)

    @property
    def answers(self) -> Counter[Answer]:
        """How many questions were answered how."""
        return Counter(evidence.answer for evidence in self.evidence)


def judge_claims(study: Published, measured: Measured, *, rope: float = EQUIVALENCE) -> list[JudgedClaim]:
    """Every claim of the study, in its order. `rope` is the machine's region of practical equivalence."""
    return [judge_claim(claim, CLAIMS[claim.id], measured, rope=rope) for claim in study.claims]


def judge_claim(claim: Claim, declared: Declared, measured: Measured, *, rope: float = EQUIVALENCE) -> JudgedClaim:
    parts = tuple(judge_part(part, measured, rope=rope) for part in declared.parts)
    questions = [question for part in declared.parts for question in part.questions()]
    return JudgedClaim(
        claim.id,
        claim.statement,
        together([part.verdict for part in parts]),
        parts,
        gathered(measured, (place for question in questions for place in question.places)),
        _notes(claim, declared, questions),
    )


def _notes(claim: Claim, declared: Declared, questions: Sequence[Question]) -> tuple[str, ...]:
    published = (TABLES_AGREE_PARTLY,) if claim.published_tables_agree == "partly" else ()
    return (*filter(None, [declared.note]), *published, *program_notes(questions))


def together(verdicts: Sequence[ClaimVerdict]) -> ClaimVerdict:
    """The claim's verdict from its parts'. Parts that pull apart make it mixed, whatever the others may yet say.

    With a part that cannot be measured a claim is never said to hold; if all that can be measured fails, it does not.
    """
    found = set(verdicts)
    if "mixed" in found or {"holds", "does not hold"} <= found:
        return "mixed"
    if "cannot be measured today" in found and "does not hold" not in found:
        return "cannot be measured today"
    if "not enough runs" in found:
        return "not enough runs"
    return "does not hold" if "does not hold" in found else "holds"


# ---------------------------------------------------------------- a part


def judge_part(part: Judgement, measured: Measured, *, rope: float = EQUIVALENCE) -> Part:
    evidence = tuple(answer(question, measured, rope=rope) for question in part.questions())
    return Part(part.words, _VERDICT_BY[part.quorum](Tally.of(evidence), part.measurable), evidence)


@dataclass(frozen=True)
class Tally:
    """How many questions agree, disagree, are unresolved, lack runs, and cannot be measured."""

    agree: int = 0
    disagree: int = 0
    unresolved: int = 0
    lacking: int = 0
    impossible: int = 0

    @classmethod
    def of(cls, evidence: Iterable[Evidence]) -> Tally:
        counts = Counter(each.answer for each in evidence)
        counts["not enough runs"] += counts["not alike"]
        order: tuple[Answer, ...] = (
            "agrees",
            "disagrees",
            "unresolved",
            "not enough runs",
            "cannot be measured today",
        )
        return cls(*(counts[each] for each in order))

    @property
    def asked(self) -> int:
        return self.agree + self.disagree + self.unresolved + self.lacking + self.impossible

    def is_measurable(self, share: float) -> bool:
        return self.asked - self.impossible >= share * self.asked and self.asked > self.impossible


def _all_must_agree(tally: Tally, measurable: float) -> ClaimVerdict:
    """Unresolved questions stand aside, as long as more than half of what was measured is resolved."""
    if tally.agree and tally.disagree:
        return "mixed"
    if not tally.is_measurable(measurable):
        return "cannot be measured today"
    if tally.lacking or tally.unresolved >= tally.agree + tally.disagree:
        return "not enough runs"
    return "holds" if tally.agree else "does not hold"


def _any_may_agree(tally: Tally, measurable: float) -> ClaimVerdict:
    if tally.agree:
        return "holds"
    if not tally.is_measurable(measurable):
        return "cannot be measured today"
    return "not enough runs" if tally.lacking or tally.unresolved else "does not hold"


def _most_must_agree(tally: Tally, measurable: float) -> ClaimVerdict:
    """More than half of all that was asked, so that what cannot be measured decides nothing."""
    if 2 * tally.agree > tally.asked:
        return "holds"
    if 2 * (tally.asked - tally.disagree) <= tally.asked:
        return "mixed" if tally.agree else "does not hold"
    open_to_runs = tally.agree + tally.lacking + tally.unresolved
    return "not enough runs" if 2 * open_to_runs > tally.asked else "cannot be measured today"


_VERDICT_BY = {"all": _all_must_agree, "any": _any_may_agree, "most": _most_must_agree}


# ---------------------------------------------------------------- a question


def answer(question: Question, measured: Measured, *, rope: float = EQUIVALENCE) -> Evidence:
    """Agrees if the whole 95 % interval lies in the region, disagrees if the whole of it lies outside."""
    region = question.region.beyond(rope)
    cells = {place: measured.outcome(place) for place in question.places}
    missing = [outcome for outcome in cells.values() if not isinstance(outcome, LogSamples)]
    if any(outcome.status in CANNOT for outcome in missing):
        return Evidence(question.words, str(region), "cannot be measured today")
    if missing:
        return Evidence(question.words, str(region), "not enough runs")
    difference = next(filter(None, (measured.difference(pair.baseline, pair.candidate) for pair in question.pairs)), "")
    if difference:
        return Evidence(question.words, str(region), "not alike", difference=difference)
    samples = {place: outcome for place, outcome in cells.items() if isinstance(outcome, LogSamples)}
    ratio = _raised(aggregate_ratio([_sides(pair, samples) for pair in question.pairs]), question.exponent)
    return Evidence(question.words, str(region), _place_in(region, ratio), ratio, _verdict(question, samples, rope))


def _sides(pair: Pair, samples: dict[Place, LogSamples]) -> tuple[LogSamples, LogSamples]:
    """Paired by block only where a block holds both: equal numbers of other groups are not the same moment."""
    baseline, candidate = samples[pair.baseline], samples[pair.candidate]
    if _share_blocks(pair):
        return baseline, candidate
    return baseline.unpaired, candidate.unpaired


def _share_blocks(pair: Pair) -> bool:
    return replace(pair.baseline, engine=pair.candidate.engine) == pair.candidate


def _raised(ratio: Ratio, exponent: int) -> Ratio:
    low, high = (None if bound is None else bound**exponent for bound in (ratio.low, ratio.high))
    return replace(ratio, value=ratio.value**exponent, low=low, high=high)


def _place_in(region: Region, ratio: Ratio) -> Answer:
    if ratio.low is None or ratio.high is None:
        return "not enough runs"
    if region.low < ratio.low and ratio.high < region.high:
        return "agrees"
    if ratio.high < region.low or region.high < ratio.low:
        return "disagrees"
    return "unresolved"


def _verdict(question: Question, samples: dict[Place, LogSamples], rope: float) -> Verdict | None:
    pair, *others = question.pairs
    if others or not _share_blocks(pair):
        return None
    return judge(samples[pair.baseline], samples[pair.candidate], rope=rope)
