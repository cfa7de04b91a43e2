"""Where the study's own programs and machines differed from each other, for the claims that this touches."""

from __future__ import annotations

from collections.abc import Iterable

from engines.registry import ENGINES
from runs.study.claims.questions import Question

NOT_SHUFFLED = (
    "In the study, the Theano loop did not shuffle its samples; the others did in each epoch. "
    "Today all do, and gathering the batches counts as part of the epoch."
)
FED_FROM_HOST = (
    "In the study, the TensorFlow loop fed each batch from the host's memory. Today the data stays on the device."
)
VALIDATED_INSIDE = (
    "In the study, the Keras program validated inside fit, so its epochs held more work. Today they hold no validation."
)
TWO_MACHINES = (
    "In the study, the GPU (GTX TITAN Black) and the CPU (Opteron 6168) were in two machines, both of their day."
)
TABLES_AGREE_PARTLY = "The study's own published tables agree with this claim only partly."


def program_notes(questions: Iterable[Question]) -> tuple[str, ...]:
    """The differences that lay between the sides of any of these comparisons, each once."""
    asked = tuple(questions)
    return tuple(note for note, touches in _NOTES if any(touches(question) for question in asked))


def _differs_in_framework(question: Question, framework: str) -> bool:
    """Whether one side, and not the other, was written directly against that framework (or in Keras)."""
    sides = [_frameworks(pair.baseline.engine, pair.candidate.engine) for pair in question.pairs]
    return any(len(both) == 2 and framework in both for both in sides)


def _frameworks(*engines: str) -> set[str]:
    return {ENGINES[engine].framework for engine in engines}


def _compares_devices(question: Question) -> bool:
    return any(pair.baseline.device != pair.candidate.device for pair in question.pairs)


_NOTES = (
    (NOT_SHUFFLED, lambda question: _differs_in_framework(question, "theano")),
    (FED_FROM_HOST, lambda question: _differs_in_framework(question, "tensorflow")),
    (VALIDATED_INSIDE, lambda question: _differs_in_framework(question, "keras")),
    (TWO_MACHINES, _compares_devices),
)
