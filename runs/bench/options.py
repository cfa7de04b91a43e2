"""What the options of `runbench` mean: numbers and times, a selection of a suite, its data."""

from __future__ import annotations

import argparse
from functools import cache
from typing import Any

from engines import datasets
from engines.contract import DataSet, Network
from engines.errors import DataSetError
from engines.networks import DATASET_FOR
from runs.errors import RunsError
from runs.suites.plan import DataSetFor, Plan, Selection, known_networks, select_engines
from runs.suites.suite import Suite

_LARGEST = 1000
_LONGEST_SECONDS = 30 * 86400
_UNITS = {"s": 1, "m": 60, "h": 3600}


def positive(text: str, largest: int = _LARGEST) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= largest):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {largest}")
    return int(text)


def index(text: str) -> int:
    """From 0."""
    return 0 if text == "0" else positive(text)


def batch_size(text: str) -> int:
    return positive(text, 10**6)


def seconds_of(text: str) -> float:
    """'90', '90s', '30m', '2h' -> seconds."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS else (text, "s")
    try:
        seconds = float(number) * _UNITS[unit]
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 90s, 30m or 2h")
    return seconds


def selection(suite: Suite, options: dict[str, Any]) -> Selection:
    """Raises UnsupportedError or RunsError, each naming what is known."""
    unknown = set(options["networks"]) - set(known_networks(suite))
    if unknown:
        known = ", ".join(known_networks(suite))
        raise RunsError(f"The suite {suite.name} has no network {', '.join(sorted(unknown))}. It has: {known}.")
    return Selection(
        engines=select_engines(tuple(options["engines"])),
        networks=tuple(options["networks"]),
        devices=tuple(options["devices"]),
        threads=tuple(options["threads"]),
        tracks=tuple(options["tracks"]),
        batch_sizes=tuple(options["batch_sizes"]),
        blocks=options["blocks"],
    )


def data_for(options: dict[str, Any]) -> DataSetFor:
    """Real data; synthetic where the user said so. Raises DataSetError with the choices where it is missing.

    A plan alone needs no data on the disk: it counts with the official sizes.
    """

    @cache
    def dataset_for(network: Network, train_samples: int | None) -> DataSet:
        name = DATASET_FOR[network.type]
        try:
            return datasets.describe(name, train_samples=train_samples, synthetic=options["synthetic"])
        except DataSetError:
            if not (options["synthetic_if_missing"] or options["plan"]):
                raise
            return datasets.describe(name, train_samples=train_samples, synthetic=True)

    return dataset_for


def check_data(plan: Plan) -> None:
    """Raises DataSetError where a file is not what it was: each of its runs would crash."""
    used = {cell.workload.dataset for cell in plan.cells}
    for name in sorted({dataset.name for dataset in used if dataset.source != "synthetic"}):
        datasets.verify(name)
