"""What the options of `runbench` mean: numbers and times, a selection of a suite, its data."""

from __future__ import annotations

import argparse
from functools import cache
from typing import Any

from engines import datasets
from engines.contract import DataSet
from engines.errors import DataSetError, MissingDataSetError
from runs.errors import RunsError
from runs.suites import suite as suites
from runs.suites.ad_hoc import NAME as AD_HOC
from runs.suites.ad_hoc import SHIPPED_IMAGES, ad_hoc_suite, is_ad_hoc
from runs.suites.plan import DataSetFor, Plan, Selection, known_networks, select_engines
from runs.suites.suite import Suite

_LARGEST = 1000
_LONGEST_SECONDS = 30 * 86400
FOUND_SLOWER = 3
"""The exit code where something got slower."""
STAYED_BUSY = 75
"""The exit code where the machine stayed busy: EX_TEMPFAIL, by which schedulers know to try again."""
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


def replicas(text: str) -> int:
    return positive(text, 1024)


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


def least_ratio(text: str) -> float:
    """'slower' is any that was found; 'slower:5%' has a least size."""
    word, colon, share = text.partition(":")
    try:
        percent = float(share.removesuffix("%")) if share else 0.0
    except ValueError:
        percent = -1.0
    if word != "slower" or not 0 <= percent <= 1000 or (colon and not share.endswith("%")):
        raise argparse.ArgumentTypeError(f"{text!r} is none of: slower, slower:5%")
    return 1 + percent / 100


def session_name(text: str) -> str:
    """As a record's placement may have it."""
    if not 1 <= len(text) <= 36:
        raise argparse.ArgumentTypeError(f"{text!r} is not a text of 1 to 36 characters")
    return text


def suite_of(options: dict[str, Any]) -> Suite:
    """The suite that is named; else the networks whose sizes are named; else the quick one. Raises SuiteError."""
    if options["noise"] or options["suite"]:
        named = "noise" if options["noise"] else options["suite"]
        return _as_it_says(suites.load(named), options)
    if is_ad_hoc(options["networks"]):
        return ad_hoc_suite(options)
    return _as_it_says(suites.load("quick"), options)


def _as_it_says(suite: Suite, options: dict[str, Any]) -> Suite:
    """--dataset and --optimizer are for networks of any size."""
    for name in ("dataset", "optimizer"):
        if options[name]:
            raise RunsError(
                f"The suite {suite.name} says itself how it trains. --{name} goes with networks of any size and "
                f"without --suite: --networks mlp:3x50 --{name} {options[name]}"
            )
    return suite


def selection(suite: Suite, options: dict[str, Any]) -> Selection:
    """Raises UnsupportedError or RunsError, each naming what is known."""
    if suite.name == AD_HOC:  # its options have made the suite
        return Selection(blocks=options["blocks"])
    unknown = set(options["networks"]) - set(known_networks(suite))
    if unknown:
        known = ", ".join(known_networks(suite))
        raise RunsError(
            f"The suite {suite.name} has no network {', '.join(sorted(unknown))}. It has: {known}. "
            "Without --suite, a network of any size is measured: --networks mlp:3x50"
        )
    return Selection(
        engines=select_engines(tuple(options["engines"])),
        networks=tuple(options["networks"]),
        devices=tuple(options["devices"]),
        threads=tuple(options["threads"]),
        tracks=tuple(options["tracks"]),
        batch_sizes=tuple(options["batch_sizes"]),
        tasks=tuple(options["tasks"]),
        replicas=tuple(options["replicas"]),
        blocks=options["blocks"],
    )


def data_for(options: dict[str, Any]) -> DataSetFor:
    """Real data; where there is none, others if the user said so. Raises DataSetError with the choices.

    Nothing stands in for data that is damaged or too little: its user has to know. A plan alone needs no data on the
    disk: it counts with the official sizes.
    """

    @cache
    def dataset_for(name: str, train_samples: int | None) -> DataSet:
        try:
            return datasets.describe(name, train_samples=train_samples, synthetic=options["synthetic"])
        except DataSetError as error:
            is_missing = isinstance(error, MissingDataSetError)
            if is_missing and options["shipped_if_missing"] and datasets.are_images(name):
                return _shipped_images(train_samples)
            if not (options["plan"] or (is_missing and options["synthetic_if_missing"])):
                raise
            return datasets.describe(name, train_samples=train_samples, synthetic=True)

    return dataset_for


def _shipped_images(train_samples: int | None) -> DataSet:
    """As many as were asked for, or all that there are."""
    every = datasets.describe(SHIPPED_IMAGES)
    return datasets.describe(
        SHIPPED_IMAGES, train_samples=min(train_samples or every.train_samples, every.train_samples)
    )


def stand_ins(plan: Plan) -> str:
    """What to say where images that ship with the project stand in for those that the suite names; else empty."""
    wanted = {bench.dataset_name for bench in plan.suite.benches}
    if SHIPPED_IMAGES in wanted or not any(cell.workload.dataset.name == SHIPPED_IMAGES for cell in plan.cells):
        return ""
    missing = ", ".join(sorted(name for name in wanted if datasets.are_images(name)))
    return (
        f"{missing} is not on this machine: its networks train on the real images that ship with Benchsite, "
        f"{SHIPPED_IMAGES}, and every label says so. To have it, see: python manage.py datasets"
    )


def check_data(plan: Plan) -> None:
    """Raises DataSetError where a file is not what it was: each of its runs would crash."""
    used = {cell.workload.dataset for cell in plan.cells}
    for name in sorted({dataset.name for dataset in used if dataset.source != "synthetic"}):
        datasets.verify(name)


def check_comparison(options: dict[str, Any]) -> None:
    """Raises RunsError where a comparison of releases is asked for, and none are."""
    for name in ("fail_on", "report"):
        if options[name] and not options["versions"]:
            raise RunsError(f"--{name.replace('_', '-')} compares releases: name them with --versions jax=0.9,0.10")
    if options["report"] and not options["report"].endswith((".md", ".json")):
        raise RunsError(f"--report is {options['report']}, allowed: a file that ends in .md or .json")
