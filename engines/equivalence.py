"""The equivalence gate: does an engine do the reference's work? Two checks, each on two kinds of data.

*Semantics*, in float64: 20 steps over two epochs; losses and weights agree to rounding. *The timed path*, in float32:
5 steps at a learning rate of 1e-2; losses and each tensor's update agree to float32 noise. An engine's element type
is its process's, so `check` makes the one that `setup.dtype` asks for, and whoever calls it merges the reports.

An engine that is asked (the task `infer`) is held to its *scores* instead, in either element type and for two sizes of
batch, with running statistics that are not those of the batch.

The flat data has black areas: there a pooling window's patches are alike and all zero, so that its maxima tie exactly
in any arithmetic, and all that an engine can choose is how often the gradient is counted: once (whichever of the tied
ones gets it), or once for each. Either passes; the report says which. Biases start above zero, so that a forgotten
one shows, black areas pass their ReLU, and none stands at exactly 0, where its slope is a matter of taste.

In float32 a ReLU whose input is nearly 0 may fall on either side, and a deep network blows that up within five steps
(MLP 16x200: one draw of data and weights in five, by up to 3e-1; otherwise 2e-4). So a failed timed path is drawn
anew, a few times: a fault shows in every draw, a flip in few. The report holds all draws.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from engines import networks, optimizers
from engines.calls import checked_call, without_training
from engines.contract import TrainingData
from engines.frameworks import reference
from engines.layers.numpy_images import Ties as TieRule
from engines.networks import by_layer, of_type
from engines.tolerances import CheckName, CheckPlan, Tolerance, plan_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, Engine, Samples, Setup, Weights

DataKind = Literal["random", "flat"]
Ties = Literal["once", "each", "not shown"]

Convention = tuple[Ties, reference.Correction]
_CORRECTIONS: tuple[reference.Correction, ...] = get_args(reference.Correction)

BEYOND = 1e9
"""What a difference that is no finite number, or larger than this, is recorded as: JSON has no infinity."""
_TIE_RULES: dict[Ties, TieRule] = {"once": "first", "each": "each"}
_NO_TIES: dict[Ties, TieRule] = {"not shown": "first"}
_LEARNING_RATES = {"sgd": 1e-2, "adam": 1e-3}
_SEED = 2014
_BLACK_SQUARE = 12


@dataclass(frozen=True)
class Counts:
    """Parameters and FLOPs as the weights' shapes tell, steps as their losses tell, samples as the steps tell."""

    parameters: int
    flops: int
    samples: int
    steps: int


@dataclass(frozen=True)
class Trace:
    """What a training left behind: the loss of each step, and the weights, with their names, before and after."""

    losses: Sequence[float]
    names: Sequence[str]
    initial: Weights
    final: Weights
    counts: Counts


@dataclass(frozen=True)
class Differences:
    """The largest relative differences between two traces, and the tensor whose update differs most.

    `scores` are class probabilities, relative to the largest of them.
    """

    losses: float
    weights: float
    updates: float
    worst_tensor: str
    scores: float = 0.0


@dataclass(frozen=True)
class CheckResult:
    """One check on one kind of data. `ties` says how often a gradient counts where pooling ties, `draws` all draws."""

    check: CheckName
    data: DataKind
    ties: Ties
    differences: Differences
    draws: tuple[Differences, ...]
    tolerance: Tolerance
    counts: Counts
    expected_counts: Counts
    passed: bool


@dataclass(frozen=True)
class GateReport:
    """All that one process can say of an engine: the check of its element type, on each kind of data."""

    engine: str
    network: str
    dtype: str
    device: str
    batch_size: int
    optimizer: str
    learning_rate: float
    checks: tuple[CheckResult, ...]
    passed: bool


def check(make_engine: Callable[[Setup], Engine], setup: Setup) -> GateReport:
    """Train or ask the engine beside the reference, by the check that belongs to `setup.task` and `setup.dtype`."""
    batch_size, optimizer = of_type(setup.network.type).gate_batch_size, setup.optimizer
    optimizer = dataclasses.replace(optimizer, learning_rate=_LEARNING_RATES[optimizer.name])
    setup = dataclasses.replace(setup, batch_size=batch_size, optimizer=optimizer)
    checks = tuple(_check_on(kind, make_engine, setup) for kind in kinds_for(setup))
    return GateReport(
        engine=setup.engine,
        network=str(setup.network),
        dtype=setup.dtype,
        device=setup.device,
        batch_size=setup.batch_size,
        optimizer=str(setup.optimizer),
        learning_rate=setup.optimizer.learning_rate,
        checks=checks,
        passed=all(result.passed for result in checks),
    )


def kinds_for(setup: Setup) -> tuple[DataKind, ...]:
    """Flat areas say something of pooling's and ReLUs' gradients, which sequences, tokens and calls do not meet.

    They are the same whatever is made of them: so with plain descent by one replica alone.
    """
    if setup.task == "infer" or optimizers.kind(setup.optimizer) != "sgd" or setup.replicas > 1:
        return ("random",)
    return ("random", "flat") if of_type(setup.network.type).takes in ("features", "images") else ("random",)


def _check_on(kind: DataKind, make_engine: Callable[[Setup], Engine], setup: Setup) -> CheckResult:
    plan = plan_of(setup)
    results: list[CheckResult] = []
    while len(results) < plan.draws and not (results and results[-1].passed):
        results.append(_draw(plan, kind, make_engine, setup, seed=_SEED + len(results)))
    best = min(results, key=lambda result: (not result.passed, result.differences.updates))
    return dataclasses.replace(best, draws=tuple(result.differences for result in results))


def _draw(
    plan: CheckPlan, kind: DataKind, make_engine: Callable[[Setup], Engine], setup: Setup, *, seed: int
) -> CheckResult:
    weights = starting_weights(setup, seed)
    if setup.task == "infer":
        return _ask(plan, make_engine, setup, weights, seed)
    data = make_data(setup, kind, samples=samples_for(plan, setup.batch_size), seed=seed)
    candidate = trace(make_engine(setup), setup, plan, weights, data)
    exactly = dataclasses.replace(setup, dtype="float64")
    rules = _TIE_RULES if kind == "flat" and of_type(setup.network.type).ties else _NO_TIES
    references = {
        (ties, correction): trace(reference.Engine(exactly, rule, correction), exactly, plan, weights, data)
        for ties, rule in rules.items()
        for correction in (_CORRECTIONS if setup.optimizer.name == "adam" else _CORRECTIONS[:1])
    }
    return judge(plan, kind, references, candidate)


def _ask(
    plan: CheckPlan, make_engine: Callable[[Setup], Engine], setup: Setup, weights: Weights, seed: int
) -> CheckResult:
    """The scores of a whole batch, of another one, and of a single sample, each by a checked call."""
    data = make_data(setup, "random", samples=2 * setup.batch_size + 1, seed=seed)
    candidate, exact = make_engine(setup), reference.Engine(dataclasses.replace(setup, dtype="float64"))
    for engine in (candidate, exact):
        engine.build(weights, without_training(data))
        engine.compile()
    size = setup.batch_size
    batches = [np.array(data.test_inputs[part]) for part in (slice(size), slice(size, 2 * size), slice(-1, None))]
    for batch in batches:
        checked_call(candidate, batch)
    found = max(_score_difference(exact.predict(batch), candidate.predict(batch)) for batch in batches)
    differences = Differences(0.0, 0.0, 0.0, "", found)
    own = counts(setup, _as_float64(weights), steps=2)
    return CheckResult(
        check=plan.name,
        data="random",
        ties="not shown",
        differences=differences,
        draws=(differences,),
        tolerance=plan.tolerance,
        counts=own,
        expected_counts=own,
        passed=within(differences, plan.tolerance),
    )


def _score_difference(expected: Array, found: Array) -> float:
    if expected.shape != found.shape:
        return BEYOND
    difference = float(np.abs(np.asarray(found, np.float64) - expected).max() / expected.max())
    return min(difference, BEYOND) if math.isfinite(difference) else BEYOND


# ---------------------------------------------------------------- judging, pure


def judge(plan: CheckPlan, kind: DataKind, references: dict[Convention, Trace], candidate: Trace) -> CheckResult:
    """Hold the candidate against the nearest of the references, which differ in what is a matter of convention."""
    by_convention = {convention: difference(trace, candidate) for convention, trace in references.items()}
    convention, nearest = min(by_convention.items(), key=lambda item: item[1].updates)
    ties, expected = convention[0], references[convention].counts
    passed = within(nearest, plan.tolerance) and candidate.counts == expected
    return CheckResult(
        check=plan.name,
        data=kind,
        ties=ties if passed else "not shown",
        differences=nearest,
        draws=(nearest,),
        tolerance=plan.tolerance,
        counts=candidate.counts,
        expected_counts=expected,
        passed=passed,
    )


def within(differences: Differences, tolerance: Tolerance) -> bool:
    return (
        differences.losses <= tolerance.losses
        and differences.weights <= tolerance.weights
        and differences.updates <= tolerance.updates
        and differences.scores <= tolerance.scores
    )


def difference(expected: Trace, found: Trace) -> Differences:
    """The largest relative differences. What cannot be compared (another number or shape) is as different as can be."""
    if [array.shape for array in expected.final] != [array.shape for array in found.final]:
        return Differences(BEYOND, BEYOND, BEYOND, "shapes differ")
    updates = [
        _relative(after - before, found_after - found_before)
        for before, after, found_before, found_after in zip(
            expected.initial, expected.final, found.initial, found.final, strict=True
        )
    ]
    weights = [_relative(array, found_array) for array, found_array in zip(expected.final, found.final, strict=True)]
    worst = max(range(len(updates)), key=updates.__getitem__)
    return Differences(_losses(expected.losses, found.losses), max(weights), updates[worst], expected.names[worst])


def _losses(expected: Sequence[float], found: Sequence[float]) -> float:
    if len(expected) != len(found):
        return BEYOND
    return max(_relative(np.asarray(one), np.asarray(other)) for one, other in zip(expected, found, strict=True))


def _relative(expected: Array, found: Array) -> float:
    """The norm of the difference over that of what was expected, at most `BEYOND`."""
    difference = float(np.linalg.norm(np.asarray(found, np.float64) - expected))
    size = float(np.linalg.norm(expected))
    if difference == 0:
        return 0.0
    ratio = difference / size if size else math.inf
    return min(ratio, BEYOND) if math.isfinite(ratio) else BEYOND


# ---------------------------------------------------------------- training


def trace(engine: Engine, setup: Setup, plan: CheckPlan, weights: Weights, data: TrainingData) -> Trace:
    """Train the engine as the plan says, on the harness's order, and keep what it did. Its arrays become float64."""
    engine.build(weights, data)
    engine.compile()
    initial = _as_float64(engine.weights())
    losses: list[float] = []
    for epoch in range(plan.epochs):
        engine.train_epoch(order(len(data.train_labels), epoch))
        engine.synchronize()
        losses += engine.step_losses()
    names = networks.parameter_names(setup.network, setup.sample)
    return Trace(losses, names, initial, _as_float64(engine.weights()), counts(setup, initial, steps=len(losses)))


def counts(setup: Setup, weights: Weights, *, steps: int) -> Counts:
    """FLOPs from the tensors' own sizes, by the rule of `networks.training_flops`."""
    multiply_adds = [
        layer.other_multiply_adds
        + sum(array.size * parameter.uses for parameter, array in zip(layer.parameters, own, strict=False))
        for layer, own in by_layer(networks.layers(setup.network, setup.sample), weights)
    ]
    known = networks.parameters_of(setup.network, setup.sample)
    trained = sum(array.size for parameter, array in zip(known, weights, strict=False) if parameter.is_trained)
    samples = steps * setup.batch_size
    flops = networks.training_flops(multiply_adds) * samples
    return Counts(trained, flops, samples, steps)


def _as_float64(weights: Weights) -> Weights:
    return [np.array(array, dtype=np.float64) for array in weights]


# ---------------------------------------------------------------- what is trained on


def samples_for(plan: CheckPlan, batch_size: int) -> int:
    """Half a batch more than the steps take: an engine that does not drop it counts, and trains, one step more."""
    return plan.steps_per_epoch * batch_size + batch_size // 2


def order(samples: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng(_SEED + epoch).permutation(samples)


def starting_weights(setup: Setup, seed: int = _SEED) -> Weights:
    """The study's, with biases above zero; in the engine's own element type, so that all start from equal numbers."""
    generator = np.random.default_rng(seed)
    weights = networks.initial_weights(setup.network, seed, setup.dtype, setup.sample)
    known = networks.parameters_of(setup.network, setup.sample)
    return [
        array if parameter.fan_in else (array + generator.uniform(0.02, 0.2, array.shape)).astype(setup.dtype)
        for parameter, array in zip(known, weights, strict=True)
    ]


def make_data(setup: Setup, kind: DataKind, *, samples: int, seed: int = _SEED) -> TrainingData:
    """Normal inputs and labels; the flat kind with a black square in each image, or a run of zeros in each row."""
    generator = np.random.default_rng(seed)
    shape, classes = networks.input_shape(setup.network, setup.sample), networks.classes(setup.network, setup.sample)
    takes_tokens = of_type(setup.network.type).takes == "tokens"
    inputs: Samples
    if takes_tokens:
        inputs = generator.integers(0, classes, (samples, *shape))
    else:
        inputs = generator.standard_normal((samples, *shape), dtype=np.float32)
    if kind == "flat":
        _blacken(inputs, generator)
    labels = generator.integers(0, classes, (samples, *shape) if takes_tokens else samples)
    return TrainingData(inputs, labels, inputs, labels)


def _blacken(inputs: Samples, generator: np.random.Generator) -> None:
    """An area small enough that a second convolution never sees nothing but it: its ties would hang on rounding."""
    side = min(_BLACK_SQUARE, inputs.shape[1] // 2)
    corners = generator.integers(0, inputs.shape[1] - side + 1, (len(inputs), 2))
    for sample, (row, column) in zip(inputs, corners, strict=True):
        rows = sample[row : row + side]
        area = rows[:, column : column + side] if sample.ndim > 1 else rows
        area[...] = 0
