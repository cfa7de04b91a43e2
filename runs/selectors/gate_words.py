"""What the equivalence gate last said of an engine's code: whether its times count at all.

The word belongs to the code, wherever it ran. A machine or an environment with a word of its own goes by that; one that
never asked the gate goes by what failed elsewhere. Words are no results: those of private experiments count, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Literal, NamedTuple

from django.db.models import Max
from pydantic_core import from_json

from engines.optimizers import kind_in_words
from engines.run_record import Equivalence
from runs import viewing
from runs.models import Run, Summary

Work = Literal["sgd", "momentum", "adam", "infer"]
"""Training by a kind of optimizer, or answering calls."""
_OF_WORK: Mapping[Work, Mapping[str, str]] = {
    "sgd": {"workload__task": "train", "workload__optimizer": "sgd"},
    "momentum": {"workload__task": "train", "workload__optimizer__startswith": "sgd momentum"},
    "adam": {"workload__task": "train", "workload__optimizer__startswith": "adam"},
    "infer": {"workload__task": "infer"},
}


class Code(NamedTuple):
    """What the gate judges. It asks each type of network, kind of work and number of replicas by itself."""

    engine: str
    track: str
    engine_sha256: str
    network_type: str
    work: Work
    replicas: int


class Subject(NamedTuple):
    """Where it judged it."""

    code: Code
    device: str
    environment_id: int
    machine_id: int


Word = tuple[datetime, Equivalence]
_COLUMNS = (
    *("engine", "track", "engine_sha256", "workload__network_type", "workload__task", "workload__optimizer"),
    *("workload__replicas", "device", "environment_id", "machine_id"),
)
_MOST_CHARACTERS = 600
FAILED = "The equivalence gate failed: this code does not do the reference's work."


@dataclass(frozen=True)
class GateWords:
    """The newest word on each subject, and the codes that failed somewhere."""

    words: Mapping[Subject, Word]

    def of(self, subject: Subject) -> Equivalence:
        if subject in self.words:
            return self.words[subject][1]
        return "failed" if subject.code in self.failed else "unverified"

    @cached_property
    def failed(self) -> Mapping[Code, datetime]:
        """Codes whose newest word is that they failed, on one machine and in one environment at least; and when."""
        found: dict[Code, datetime] = {}
        for subject, (moment, word) in self.words.items():
            if word == "failed":
                found[subject.code] = max(moment, found.get(subject.code, moment))
        return found

    def reason(self, subject: Subject) -> str:
        moment = self.failed.get(subject.code)
        return _reason(subject.code, moment) if moment else FAILED


def gate_words(own: Iterable[tuple[Subject, Word]]) -> GateWords:
    """The words on these subjects, by the rows at hand and by what failed elsewhere.

    One query where nothing failed, which an index of the failed alone answers.
    """
    words: dict[Subject, Word] = {}
    codes: set[str] = set()
    for subject, word in own:
        codes.add(subject.code.engine_sha256)
        _hear(words, subject, word)
    with viewing.seen_by(None):
        for subject, moment in _elsewhere(codes, "failed"):
            _hear(words, subject, (moment, "failed"))
        failed = {subject.code.engine_sha256 for subject, (_, word) in words.items() if word == "failed"}
        for subject, moment in _elsewhere(failed, "passed"):
            _hear(words, subject, (moment, "passed"))
    return GateWords(words)


def _hear(words: dict[Subject, Word], subject: Subject, word: Word) -> None:
    """The newest counts; of two at one moment, the worse."""
    known = words.get(subject)
    if known is None or (word[0], word[1] == "failed") > (known[0], known[1] == "failed"):
        words[subject] = word


def _elsewhere(codes: set[str], word: Equivalence) -> list[tuple[Subject, datetime]]:
    if not codes:
        return []
    rows = Summary.objects.filter(engine_sha256__in=codes, equivalence=word).order_by().values_list(*_COLUMNS)
    return [(subject_of(*columns), moment) for *columns, moment in rows.annotate(newest=Max("verified_at"))]


@lru_cache(maxsize=10_000)
def subject_of(
    engine: str,
    track: str,
    engine_sha256: str,
    network_type: str,
    task: str,
    optimizer: str,
    replicas: int,
    device: str,
    environment_id: int,
    machine_id: int,
) -> Subject:
    """Kept: a page asks for each of its cells."""
    work = "infer" if task == "infer" else kind_in_words(optimizer)
    code = Code(engine, track, engine_sha256, network_type, work, replicas)
    return Subject(code, device, environment_id, machine_id)


@lru_cache(maxsize=1000)
def _reason(code: Code, moment: datetime) -> str:
    """With the gate's numbers. `moment` is when the newest failed run ended: a later one has numbers of its own."""
    with viewing.seen_by(None):
        failed = Run.objects.filter(
            engine=code.engine,
            track=code.track,
            engine_sha256=code.engine_sha256,
            workload__network_type=code.network_type,
            workload__replicas=code.replicas,
            equivalence="failed",
            excluded_at=None,
            **_OF_WORK[code.work],
        )
        body = failed.order_by("-finished_at").values_list("body", flat=True).first()
    gate: Mapping[str, Any] = (from_json(body).get("gate") or {}) if body else {}
    numbers = "; ".join(f"{check}: {words}" for check, words in sorted(gate.items()) if not words.startswith("passed"))
    return f"{FAILED} {numbers}".strip()[:_MOST_CHARACTERS]
