"""Which engines to use in a situation: those not slower than the best on a large network. Pure; no ORM.

**The workload.** An average over networks would recommend what runs only the small ones, so one workload decides: the
one with most FLOPs that at least half of the engines have tried and one has finished three times. Engines are those
with a time for any workload of the situation; trying is finishing, or failing for a cause of the engine's own (out
of memory, timed out, crashed ...). So an engine that fails the large networks cannot drag the choice down to a tiny
one; nor can one that never ran them, unless most did not: a single engine's extra network decides nothing.

**The candidates** are the engines with runs of that workload. All others are listed with their reason.

**The set** holds the candidates not shown to be slower than the best, Holm-corrected. One that is neither slower nor
a tie stays in it, in doubt. **Preferred** is Keras, as in the study, which finds it simpler; then the faster. That
breaks a tie and says nothing of speed.

**Unresolved** it is where a candidate in doubt could be the preferred one or faster than the best, and where there is
nothing to compare: one candidate, while another engine just has no runs of the workload. A candidate in doubt that
can change nothing blocks nothing: an engine that truly is 5 % slower would stay in doubt for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from engines.contract import Device, Network, NetworkType
from engines.registry import ENGINES
from runs.stats import (
    EQUIVALENCE,
    MIN_RUNS,
    SIGNIFICANCE,
    LogSamples,
    Ratio,
    estimate,
    holm,
    judge,
    p_slower,
    ratio,
    ratio_to_itself,
)
from runs.stats.outcomes import Missing, MissingStatus
from runs.words.engines import engine_place, engine_title
from runs.words.networks import named

RowVerdict = Literal["best", "tie", "slower", "unresolved", "not enough runs"]

_NOT_TRIED: frozenset[MissingStatus] = frozenset({"not_run", "excluded"})
_NO_RUNS = LogSamples(())
_IN_DOUBT: frozenset[RowVerdict] = frozenset({"unresolved", "not enough runs"})


@dataclass(frozen=True)
class Situation:
    network_type: NetworkType
    device: Device

    @property
    def slug(self) -> str:
        return f"{self.network_type}_{self.device}"


@dataclass(frozen=True)
class ComparedWorkload:
    """A workload, as far as the choice needs it. `data` says in words what it trains on, synthetic data included."""

    network: Network
    data: str
    flops: int


@dataclass(frozen=True)
class Case:
    """What came of one engine and one workload: at most one case for each pair.

    A cell with one or two finished runs that otherwise failed is best given as its failure: more runs will not help it.
    """

    engine: str
    workload: ComparedWorkload
    outcome: LogSamples | Missing


@dataclass(frozen=True)
class Row:
    """One engine on the deciding workload: a verdict with its time over the best's, or why there is none."""

    engine: str
    verdict: RowVerdict | None = None
    ratio: Ratio | None = None
    missing: Missing | None = None
    is_corrected: bool = False
    """The 95 % interval by itself says *slower*; corrected for several comparisons (Holm), that is not shown."""


@dataclass(frozen=True)
class Recommendation:
    """`preferred` is None where it is unresolved, and `reason` says why and what to do. `not_slower` is then no advice.

    Engines stand in the registry's order in `not_slower`; in `rows` the fastest is first and what is missing last.
    """

    situation: Situation
    workload: ComparedWorkload | None
    rows: tuple[Row, ...]
    not_slower: tuple[str, ...] = ()
    preferred: str | None = None
    reason: str = ""

    @property
    def is_resolved(self) -> bool:
        return self.preferred is not None


_NO_WORKLOAD = gettext_noop(
    "No network has runs of at least half of the engines here. Run the engines side by side, on the same networks."
)
Outcomes = Mapping[str, LogSamples | Missing]
_Table = Mapping[ComparedWorkload, Outcomes]


def recommend(situation: Situation, cases: Iterable[Case], *, rope: float = EQUIVALENCE) -> Recommendation:
    """The engines to use for this kind of network on this device. Raises ValueError for two cases of one pair.

    The caller gives the situation's cells only, of one machine, one track and one thread count.
    """
    table = _by_workload(cases)
    engines = sorted({engine for outcomes in table.values() for engine in outcomes}, key=engine_place)
    workload = _deciding_workload(table, MIN_RUNS) or _deciding_workload(table, 1)
    if workload is None:
        return Recommendation(
            situation, None, tuple(_row_without_workload(table, engine) for engine in engines), reason=_(_NO_WORKLOAD)
        )
    outcomes = {engine: table[workload].get(engine, Missing("not_run")) for engine in engines}
    return _conclude(situation, workload, outcomes, rope)


def _by_workload(cases: Iterable[Case]) -> _Table:
    table: dict[ComparedWorkload, dict[str, LogSamples | Missing]] = {}
    for case in cases:
        outcomes = table.setdefault(case.workload, {})
        if case.engine in outcomes:
            raise ValueError(f"There are two cases of {case.engine} on {case.workload.network}: compare one at a time.")
        outcomes[case.engine] = Missing("not_run") if case.outcome == _NO_RUNS else case.outcome
    return table


def _runs(outcome: LogSamples | Missing | None) -> int:
    return len(outcome) if isinstance(outcome, LogSamples) else 0


# ---------------------------------------------------------------- the workload


def _deciding_workload(table: _Table, least_runs: int) -> ComparedWorkload | None:
    able = {engine for outcomes in table.values() for engine, outcome in outcomes.items() if _runs(outcome)}
    for workload in sorted(table, key=lambda workload: (-workload.flops, str(workload))):
        tried = sum(_was_tried(table[workload].get(engine)) for engine in able)
        finished = any(_runs(outcome) >= least_runs for outcome in table[workload].values())
        if finished and 2 * tried >= len(able):
            return workload
    return None


def _was_tried(outcome: LogSamples | Missing | None) -> bool:
    if isinstance(outcome, Missing):
        return outcome.status not in _NOT_TRIED
    return outcome is not None


def _row_without_workload(table: _Table, engine: str) -> Row:
    found = [outcomes[engine] for outcomes in table.values() if engine in outcomes]
    reasons = [outcome for outcome in found if isinstance(outcome, Missing)]
    return Row(engine, missing=max(reasons, key=_was_tried, default=Missing("not_run")))


# ---------------------------------------------------------------- the verdicts


def _rows(outcomes: Outcomes, rope: float) -> tuple[Row, ...]:
    timed = {engine: outcome for engine, outcome in outcomes.items() if isinstance(outcome, LogSamples)}
    best = _best(timed)
    others = {engine: samples for engine, samples in timed.items() if engine != best}
    verdicts = _verdicts(timed[best], others, rope)
    first = Row(best, "best" if len(timed[best]) >= MIN_RUNS else "not enough runs", ratio_to_itself(timed[best]))
    rest = [_compared(engine, timed[best], samples, verdicts[engine], rope) for engine, samples in others.items()]
    missing = [Row(engine, missing=outcome) for engine, outcome in outcomes.items() if isinstance(outcome, Missing)]
    return (first, *sorted(rest, key=_ratio_to_best), *missing)


def _compared(engine: str, best: LogSamples, samples: LogSamples, verdict: RowVerdict, rope: float) -> Row:
    is_corrected = verdict != "slower" and judge(best, samples, rope=rope) == "slower"
    return Row(engine, verdict, ratio(best, samples), is_corrected=is_corrected)


def _best(timed: Mapping[str, LogSamples]) -> str:
    """The fastest of those with enough runs, if there are any."""
    sure = {engine: samples for engine, samples in timed.items() if len(samples) >= MIN_RUNS} or timed
    return min(sure, key=lambda engine: estimate(sure[engine]).seconds)


def _ratio_to_best(row: Row) -> float:
    return row.ratio.value if row.ratio else float("inf")


def _verdicts(best: LogSamples, others: Mapping[str, LogSamples], rope: float) -> dict[str, RowVerdict]:
    tested = {engine: p_slower(best, samples, rope=rope) for engine, samples in others.items()}
    known = {engine: p for engine, p in tested.items() if p is not None}
    corrected = dict(zip(known, holm(list(known.values())), strict=True))
    return {engine: _verdict(best, samples, corrected.get(engine), rope) for engine, samples in others.items()}


def _verdict(best: LogSamples, samples: LogSamples, p: float | None, rope: float) -> RowVerdict:
    if p is None:
        return "not enough runs"
    if p < SIGNIFICANCE:
        return "slower"
    return "tie" if judge(best, samples, rope=rope) == "tie" else "unresolved"


# ---------------------------------------------------------------- the conclusion


def _conclude(situation: Situation, workload: ComparedWorkload, outcomes: Outcomes, rope: float) -> Recommendation:
    rows = _rows(outcomes, rope)
    reason = _nothing_to_compare(workload, outcomes)
    if reason:
        return Recommendation(situation, workload, rows, reason=reason)
    chosen = [row for row in rows if row.verdict and row.verdict != "slower"]
    not_slower = tuple(sorted((row.engine for row in chosen), key=engine_place))
    reason = _open_question(workload, chosen, rope)
    preferred = None if reason else _preferred(chosen)
    return Recommendation(situation, workload, rows, not_slower, preferred, reason)


def _nothing_to_compare(workload: ComparedWorkload, outcomes: Outcomes) -> str:
    """A sole candidate wins only if the others tried and failed."""
    timed = [engine for engine, outcome in outcomes.items() if isinstance(outcome, LogSamples)]
    others_failed = len(outcomes) > 1 and all(_was_tried(outcome) for outcome in outcomes.values())
    if len(timed) > 1 or others_failed:
        return ""
    return _("Only {engine} has runs of {network}. Run another engine on it, to compare.").format(
        engine=engine_title(timed[0]), network=named(workload.network)
    )


def _open_question(workload: ComparedWorkload, chosen: Sequence[Row], rope: float) -> str:
    doubtful = [row for row in chosen if row.verdict in _IN_DOUBT]
    settled = [row for row in chosen if row.verdict not in _IN_DOUBT]
    if not settled:
        return _("No engine has {n} runs of {network} yet. Run more blocks.").format(
            n=MIN_RUNS, network=named(workload.network)
        )
    if any(_could_be_faster(row, rope) for row in doubtful) or _preferred(chosen) != _preferred(settled):
        titles = ", ".join(engine_title(row.engine) for row in chosen)
        return _("On {network} the runs do not yet separate {engines}. Run more blocks.").format(
            network=named(workload.network), engines=titles
        )
    return ""


def _could_be_faster(row: Row, rope: float) -> bool:
    """Whether its 95 % interval leaves open that it beats the best by more than the region of practical equivalence."""
    return row.ratio is None or row.ratio.low is None or row.ratio.low <= 1 / (1 + rope)


def _preferred(rows: Sequence[Row]) -> str:
    """Keras first, then the faster; rows come with the fastest first."""
    return min(rows, key=lambda row: not _is_keras(row.engine)).engine


def _is_keras(engine: str) -> bool:
    return engine in ENGINES and ENGINES[engine].is_keras
