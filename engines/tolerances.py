"""What each of the gate's checks trains or asks, how much may differ from the reference, and why so much."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from engines.contract import Setup

CheckName = Literal["semantics", "timed_path", "scores"]


@dataclass(frozen=True)
class Tolerance:
    """The largest relative differences that pass, and why these. `weights` and `updates` are in norm, per tensor.

    What a check does not look at is 0 in its differences: a training has no `scores`, and a call nothing else.
    """

    losses: float
    weights: float
    updates: float
    reason: str
    scores: float = 0.0


@dataclass(frozen=True)
class CheckPlan:
    """What one check trains: so many epochs of so many steps, at most so often with other data and weights."""

    name: CheckName
    epochs: int
    steps_per_epoch: int
    draws: int
    tolerance: Tolerance


SEMANTICS = CheckPlan(
    "semantics",
    epochs=2,
    steps_per_epoch=10,
    draws=1,
    tolerance=Tolerance(
        losses=1e-8,
        weights=1e-8,
        updates=1e-7,
        reason="In float64 the order of additions shows at 1e-14 of each update, which a deep network blows up. A "
        "learning rate off by 1 % shows at 1e-2, one kept in float32 at 2e-8.",
    ),
)
SEMANTICS_OF_REPLICAS = dataclasses.replace(
    SEMANTICS,
    tolerance=Tolerance(
        losses=1e-10,
        weights=1e-10,
        updates=1e-9,
        reason="In float64 replicas add in another order, which shows at 1e-14 of each update, and at 1e-10 behind an "
        "attention. Gradients that are not averaged, or a mean of unequal shares' means, show at 1e-4.",
    ),
)
TIMED_PATH = CheckPlan(
    "timed_path",
    epochs=1,
    steps_per_epoch=5,
    draws=4,
    tolerance=Tolerance(
        losses=1e-5,
        weights=1e-3,
        updates=3e-3,
        reason="In float32 honest engines' updates differ by at most 1e-3 (additions in another order), planted "
        "faults' by at least 1e-2, in every draw.",
    ),
)
TIMED_PATH_OF_ADAM = dataclasses.replace(
    TIMED_PATH,
    tolerance=Tolerance(
        losses=1e-5,
        weights=1e-2,
        updates=0.5,
        reason="Adam steps by a gradient's sign where it is nothing but rounding, as that of attention's key biases "
        "is. What Adam computes is for the check in float64 to say.",
    ),
)


def _scores(tolerance: float, reason: str) -> CheckPlan:
    return CheckPlan("scores", 0, 0, draws=1, tolerance=Tolerance(0.0, 0.0, 0.0, reason, tolerance))


SCORES = _scores(1e-8, "In float64 the order of additions shows at 1e-14 of the largest score.")
SCORES_AS_TIMED = _scores(
    1e-4, "In float32 honest engines' scores differ by at most 1e-5 of the largest, planted faults' by 1e-3 and more."
)


def plan_of(setup: Setup) -> CheckPlan:
    """The check that belongs to the task and the element type."""
    if setup.task == "infer":
        return SCORES if setup.dtype == "float64" else SCORES_AS_TIMED
    if setup.dtype == "float64":
        return SEMANTICS if setup.replicas == 1 else SEMANTICS_OF_REPLICAS
    return TIMED_PATH_OF_ADAM if setup.optimizer.name == "adam" else TIMED_PATH
