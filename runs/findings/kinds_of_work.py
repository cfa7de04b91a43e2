"""What a profile's operations are for, in words that all frameworks share: so that two profiles can be held side by
side, though no operation has the same name in both. Pure; no ORM."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from django.utils.translation import gettext_noop as _

from engines.profile_record import Profile

Kind = Literal[
    "products",
    "convolutions",
    "recurrent layers",
    "attention",
    "normalisation",
    "pooling",
    "optimizer",
    "element by element",
    "moving data",
    "other operations",
    "outside operations",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_TRANSLATED = (
    _("products"),
    _("convolutions"),
    _("recurrent layers"),
    _("attention"),
    _("normalisation"),
    _("pooling"),
    _("optimizer"),
    _("element by element"),
    _("moving data"),
    _("other operations"),
    _("outside operations"),
)

_PATTERNS: Sequence[tuple[Kind, str]] = (
    ("convolutions", r"conv(?!ert)|corrmm|im2col"),
    ("recurrent layers", r"lstm|gru_|gru$|_rnn|rnn_|forall|scan|^while"),
    ("attention", r"attention|flash"),
    ("products", r"mat_?mul|gemm|gemv|mm$|mm_|^dot|dot22|\bdot|_dot|^ger\b|ger\{|einsum|linear|^ynn|outer"),
    ("normalisation", r"norm"),
    ("pooling", r"pool|reduce.?window|select.?and.?scatter"),
    ("optimizer", r"optimizer|gradientdescent|applyadam|applymomentum|_fused_(sgd|adam)|foreach"),
    ("element by element", r"fusion|elemwise|composite"),
    (
        "moving data",
        r"copy|transpos|reshape|concat|join|\bcat\b|stack|slice|gather|scatter|index|embedding|subtensor|\bpad|split"
        r"|alloc|empty|fill|zero|ones|broadcast|convert|cast|_to_|::to$|mem(cpy|set)|narrow|view|strided|permute|expand"
        r"|unbind|dimshuffle|tensorlist|tensorarray|identity|readvariable|iterator|dataset|flip|roll|tile|repeat|detach"
        r"|select|take|clone|resize|\bt$|bitcast|tuple|parameter|constant|send|recv|const$",
    ),
    (
        "element by element",
        r"add|sub|mul|div|neg|relu|tanh|sigmoid|swish|gelu|erf|exp|log|pow|sqrt|square|max|min|sum|mean|prod|arg|softmax"
        r"|entropy|nll|threshold|clamp|where|compare|equal|greater|less|not|and|or\b|reduce|bias|sign|abs|assign|mse|loss",
    ),
)
_KNOWN = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS)


def kind_of(operation: str) -> Kind:
    """By its name, as the four frameworks' profilers give it: the first kind that it fits."""
    return next((kind for kind, pattern in _KNOWN if pattern.search(operation)), "other operations")


def seconds_by_kind(profile: Profile) -> dict[Kind, float]:
    """Seconds of one step. What no operation accounts for is outside: Python, dispatching, waiting."""
    found: dict[Kind, float] = {}
    for operation in profile.operations:
        kind = kind_of(operation.name)
        found[kind] = found.get(kind, 0.0) + operation.seconds / profile.steps
    outside = (profile.wall_seconds - profile.total_seconds) / profile.steps
    return {**found, "outside operations": outside} if outside > 0 else found


@dataclass(frozen=True)
class Part:
    """One kind of work in a step of either side, in seconds."""

    kind: Kind
    a: float
    b: float

    @property
    def difference(self) -> float:
        return self.b - self.a


def parts(a: Profile, b: Profile) -> list[Part]:
    """Of all kinds that either has, what differs most first."""
    of_a, of_b = seconds_by_kind(a), seconds_by_kind(b)
    found = [Part(kind, of_a.get(kind, 0.0), of_b.get(kind, 0.0)) for kind in KINDS if kind in of_a or kind in of_b]
    return sorted(found, key=lambda part: abs(part.difference), reverse=True)


def explained(found: Sequence[Part], longer: Literal["a", "b"]) -> Part | None:
    """The part that says most of why a side's step takes longer; None where no part does."""
    sign = 1 if longer == "b" else -1
    behind = [part for part in found if sign * part.difference > 0]
    return max(behind, key=lambda part: abs(part.difference), default=None)
