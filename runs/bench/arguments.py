"""The options of `runbench`, declared."""

from __future__ import annotations

import argparse
from typing import get_args

from engines.contract import Task, Track
from engines.networks import ARCHITECTURES
from runs.bench.options import batch_size, index, least_ratio, positive, replicas, seconds_of, session_name
from runs.suites import suite as suites
from runs.suites.ad_hoc import OPTIMIZERS

Group = argparse._ArgumentGroup


def add_what(what: Group) -> None:
    """A suite, or networks of any size, and the part of it that is meant."""
    suite = what.add_mutually_exclusive_group()
    suite.add_argument("--suite", help=f"{', '.join(suites.shipped())}, or a TOML file; quick if left out")
    suite.add_argument("--noise", action="store_true", help="measure this machine against itself (--suite noise)")
    what.add_argument("--engines", nargs="+", default=[], metavar="ENGINE", help="slugs or abbreviations")
    what.add_argument(
        "--networks",
        nargs="+",
        default=[],
        metavar="NETWORK",
        help=f"{', '.join(ARCHITECTURES)}, or sizes: mlp:8x100",
    )
    what.add_argument("--dataset", metavar="NAME", help="what networks of any size train on, without --suite")
    what.add_argument(
        "--optimizer", choices=list(OPTIMIZERS), help="of networks of any size, without --suite; sgd if left out"
    )
    what.add_argument("--devices", nargs="+", default=[], choices=["cpu", "gpu"])
    what.add_argument(
        "--threads", nargs="+", default=[], type=positive, metavar="N", help="CPU threads, of each replica"
    )
    what.add_argument(
        "--replicas",
        nargs="+",
        default=[],
        type=replicas,
        metavar="N",
        help="how many copies of a network train together, each on its share of every batch",
    )
    what.add_argument(
        "--gpu-index", type=index, default=0, metavar="N", help="which GPU, by nvidia-smi's number; 0 if left out"
    )
    what.add_argument("--tracks", nargs="+", default=[], choices=get_args(Track))
    what.add_argument(
        "--batch-sizes", nargs="+", default=[], type=batch_size, metavar="N", help="of those in the suite"
    )
    what.add_argument(
        "--tasks", nargs="+", default=[], choices=get_args(Task), help="time training, calls of a network, or both"
    )


def add_releases(what: Group) -> None:
    """Releases side by side."""
    what.add_argument(
        "--versions",
        nargs="+",
        action="extend",
        default=[],
        metavar="ENGINE=RELEASES",
        help="releases side by side, in the same blocks: jax=0.9,0.10, or the path of a wheel or a source folder; "
        "those that are missing are installed, and without --engines these engines alone are measured",
    )


def add_comparison(what: Group) -> None:
    """What is said of releases, once they are measured."""
    what.add_argument(
        "--fail-on",
        type=least_ratio,
        metavar="slower[:5%%]",
        help="with --versions: exit with 3 where a release is slower than the first, by more than so much",
    )
    what.add_argument("--report", metavar="FILE", help="with --versions: write the comparison there, as .md or .json")


def add_extent(what: Group) -> None:
    """How much, and on which data."""
    what.add_argument("--blocks", type=positive, metavar="N", help="runs of each cell")
    what.add_argument(
        "--budget",
        type=seconds_of,
        metavar="TIME",
        help="most informative networks first; starts no block expected to overrun it: 30m, 2h",
    )
    what.add_argument(
        "--only",
        nargs="+",
        action="extend",
        default=[],
        metavar="BLOCK",
        help="these blocks of the plan alone, as --plan --json names them: for a scheduler that hands them out",
    )
    what.add_argument("--no-verify", action="store_true", help="skip the equivalence gate; runs are marked accordingly")
    what.add_argument("--profile", action="store_true", help="profile each cell instead of timing it; no runs are made")
    what.add_argument("--synthetic", action="store_true", help="generated data, labelled so wherever it appears")
    missing = what.add_mutually_exclusive_group()
    missing.add_argument(
        "--shipped-if-missing",
        action="store_true",
        help="use the real images that ship with Benchsite where a data set's are not here",
    )
    missing.add_argument(
        "--synthetic-if-missing", action="store_true", help="generated data for data sets that are not here"
    )


def add_where(where: Group) -> None:
    """Where records go."""
    where.add_argument("--experiment", metavar="NAME", help="the suite's name by default")
    where.add_argument("--machine", metavar="NAME", help="what this machine is called from now on")
    where.add_argument("--fresh", action="store_true", help="a new experiment: NAME 2, NAME 3 …")
    where.add_argument("--no-database", action="store_true", help="write only the spool file")
    where.add_argument("--accept-hardware", action="store_true", help="same machine, though its hardware changed")


def add_how(how: Group) -> None:
    """How one looks on."""
    how.add_argument(
        "--wait",
        type=seconds_of,
        metavar="TIME",
        help="how long to wait where something else is measured on this machine: 10m, 2h; not at all if left out",
    )
    how.add_argument(
        "--session",
        type=session_name,
        metavar="ID",
        help="several calls with one ID are one sitting: their canaries are compared with each other",
    )
    how.add_argument("--plan", action="store_true", help="show what would run and for how long; run nothing")
    how.add_argument("--json", action="store_true", help="print JSON instead of text")
