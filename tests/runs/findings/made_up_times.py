"""Engines, networks and made-up times for the choice among engines."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

import numpy as np

from engines.contract import Network
from runs.findings.recommendation import Case, ComparedWorkload, Recommendation, Situation
from runs.stats import LogSamples
from runs.stats.outcomes import Missing, MissingStatus

TH, TF, KTH, KTF = "theano", "tensorflow", "keras-theano", "keras-tensorflow"
FOUR = (TH, TF, KTH, KTF)
SPREAD = 0.02

SMALL = ComparedWorkload(Network("mlp", 2, 25), "shuttle", 10**8)
MIDDLE = ComparedWorkload(Network("mlp", 8, 100), "shuttle", 10**10)
LARGE = ComparedWorkload(Network("mlp", 16, 200), "shuttle", 10**11)
MLP_CPU = Situation("mlp", "cpu")


def steady(seconds: float, runs: int = 5) -> LogSamples:
    """Runs that differ by about 0.5 %."""
    return LogSamples(tuple(log(seconds) + 0.005 * ((7 * run) % 5 - 2) / 2 for run in range(runs)), tuple(range(runs)))


def measured(ratios: Mapping[str, float], blocks: int, seed: int, spread: float = SPREAD) -> dict[str, LogSamples]:
    """Times of 10 s and more, with each process's luck and a machine that warms up by 10 %."""
    generator = np.random.default_rng(seed)
    state = np.linspace(0, 0.1, blocks)
    return {
        engine: LogSamples(
            tuple(log(10 * ratio) + state + generator.normal(0, spread, blocks)),
            tuple(range(blocks)),
        )
        for engine, ratio in ratios.items()
    }


def on(workload: ComparedWorkload, **outcomes: LogSamples | MissingStatus) -> list[Case]:
    """Cases by engine; `keras_theano` stands for keras-theano."""
    return [
        Case(name.replace("_", "-"), workload, Missing(outcome) if isinstance(outcome, str) else outcome)
        for name, outcome in outcomes.items()
    ]


def verdicts(found: Recommendation) -> dict[str, str]:
    return {row.engine: row.verdict or (row.missing.status if row.missing else "") for row in found.rows}
