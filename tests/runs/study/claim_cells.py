"""Made-up cells for the tests of claims: times solved for what a judgement asks, and the study's whole world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log

import numpy as np

from engines.contract import Device, Network, NetworkType
from runs.stats import LogSamples
from runs.study.claims import CLAIMS, Measured, Place
from runs.study.claims.declared import KTF, KTH, TF, TH
from runs.study.claims.questions import Judgement, Question
from runs.study.claims.regions import Region


def runs_of(log_seconds: float, runs: int = 3) -> LogSamples:
    """Runs that differ by about 0.5 %, each in a block of its own."""
    return LogSamples(tuple(log_seconds + 0.0025 * ((7 * run) % 5 - 2) for run in range(runs)), tuple(range(runs)))


def solved(part: Judgement, target: Callable[[int, Region], float], runs: int = 3) -> Measured:
    """Times that give each of the part's ratios the target: questions are linear in the logarithms of times."""
    questions = list(part.questions())
    places = list(dict.fromkeys(place for question in questions for place in question.places))
    rows = np.array([coefficients(question, places) for question in questions])
    wanted = np.array([log(target(number, question.region)) for number, question in enumerate(questions)])
    times, *_ = np.linalg.lstsq(rows, wanted, rcond=None)
    assert np.allclose(rows @ times, wanted), "these targets contradict each other"
    return Measured({place: runs_of(float(time), runs) for place, time in zip(places, times, strict=True)})


def coefficients(question: Question, places: Sequence[Place]) -> list[float]:
    row = dict.fromkeys(places, 0.0)
    for pair in question.pairs:
        row[pair.candidate] += question.exponent / len(question.pairs)
        row[pair.baseline] -= question.exponent / len(question.pairs)
    return list(row.values())


def study_seconds(place: Place) -> float:
    """Times after the study's findings, made up so that every one of its claims is true at once."""
    network = place.network
    seconds = _MODELS[network.type, place.device](place.engine, network.hidden_layers, network.width)
    return seconds / _thread_speed_up(network, place.threads)


def _mlp_gpu(engine: str, layers: int, width: int) -> float:
    narrow = {TH: 1.2, TF: 1.0, KTH: 1.05, KTF: 1.3}
    widest = {TH: 20.0, TF: 10.0, KTH: 15.0, KTF: 19.0}
    return float((widest if width == 1600 else narrow)[engine] * layers**0.3)


def _mlp_cpu(engine: str, layers: int, width: int) -> float:
    return float({TH: 1.3, TF: 1.0, KTH: 1.0, KTF: 1.02}[engine] * 0.0025 * layers**2 * width)


def _cnn_gpu(engine: str, layers: int, width: int) -> float:
    factor = {TH: 1.4 if layers == 1 else 1.02, TF: 1.0, KTH: 2.0 if width == 64 else 1.3, KTF: 1.02}
    return float(factor[engine] * width**0.05)


def _cnn_cpu(engine: str, layers: int, width: int) -> float:
    theano = {2: 1.1, 4: 1.1, 8: 1.1, 16: 1.5, 32: 2.0}[width]
    factor = {TH: theano, TF: 1.0, KTH: 1.2 * theano, KTF: 1.02}
    return factor[engine] * 20 * layers * {2: 1.0, 4: 1.5, 8: 2.0, 16: 2.3, 32: 4.0}[width]


_MODELS: Mapping[tuple[NetworkType, Device], Callable[[str, int, int], float]] = {
    ("mlp", "gpu"): _mlp_gpu,
    ("mlp", "cpu"): _mlp_cpu,
    ("cnn", "gpu"): _cnn_gpu,
    ("cnn", "cpu"): _cnn_cpu,
}


def _thread_speed_up(network: Network, threads: int) -> float:
    if network.type == "mlp":
        wide = {1: 1.0, 2: 1.3, 4: 1.6, 6: 1.75, 8: 1.81, 10: 1.7, 12: 1.5}
        return wide[threads] if network.width > 100 else 1.0
    wide = {1: 1.0, 2: 1.2, 4: 1.4, 6: 1.3, 8: 1.2, 10: 1.1, 12: 1.0}
    return wide[threads] if network.width >= 8 else 1 / (1 + 0.05 * (threads - 1) + 0.1 * (threads > 1))


def every_place() -> list[Place]:
    questions = [question for claim in CLAIMS.values() for part in claim.parts for question in part.questions()]
    return list(dict.fromkeys(place for question in questions for place in question.places))


def study_world(runs: int = 3) -> Measured:
    return Measured({place: runs_of(log(study_seconds(place)), runs) for place in every_place()})
