"""A suite of networks named on the command line: any size, without a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from engines import optimizers
from engines.contract import Optimizer
from engines.networks import ARCHITECTURES, of_type
from runs.errors import SuiteError
from runs.suites.suite import Bench, Suite, checked

NAME = "ad-hoc"
SHIPPED_IMAGES = "fashion-mnist-10k"
"""What may stand in for images that are not on the machine: real ones that are on every machine."""
OPTIMIZERS: dict[optimizers.Kind, Optimizer] = {
    "sgd": Optimizer(),
    "momentum": Optimizer(momentum=0.9),
    "adam": Optimizer("adam"),
}
STUDY_ENGINES = ("theano", "tensorflow", "keras-theano", "keras-tensorflow")
_SIZE = re.compile(rf"({'|'.join(ARCHITECTURES)}):([1-9]\d{{0,4}})x([1-9]\d{{0,4}})((?::[a-z]+=[1-9]\d{{0,8}})*)")


def is_ad_hoc(networks: Sequence[str]) -> bool:
    """Whether a size is named, as in mlp:8x100, and not only a type of networks."""
    return any(":" in name for name in networks)


def ad_hoc_suite(options: dict[str, Any]) -> Suite:
    """Every network with every engine, device, thread count, track and batch size asked for. Raises SuiteError.

    All such runs are one experiment: they are measured by the same rules, so that it can grow from call to call.
    """
    benches = tuple(_bench(name, options) for name in options["networks"])
    return checked(Suite(NAME, "Networks named on the command line", benches, blocks=options["blocks"]), NAME)


def _bench(name: str, asked: dict[str, Any]) -> Bench:
    found = _SIZE.fullmatch(name)
    if not found:
        allowed = (
            "a type and a size, as mlp:8x100 or transformer:2x64:heads=2; or leave the sizes out and name a suite "
            "with --suite"
        )
        raise SuiteError(f"The network {name!r} is none that can be measured by its size. Allowed: {allowed}.")
    network_type, layers, width, options = found.groups()
    return Bench(
        of_type(network_type).type,
        (int(layers),),
        (int(width),),
        tuple(asked["engines"]) or STUDY_ENGINES,
        devices=tuple(asked["devices"]) or ("cpu",),
        threads=tuple(asked["threads"]) or (1,),
        tracks=tuple(asked["tracks"]) or ("idiomatic",),
        batch_sizes=tuple(asked["batch_sizes"]),
        dataset=asked["dataset"] or "",
        options={name: (int(value),) for name, value in (each.split("=") for each in options.split(":")[1:])},
        optimizer=OPTIMIZERS[asked["optimizer"] or "sgd"],
        tasks=tuple(asked["tasks"]) or ("train",),
        replicas=tuple(asked["replicas"]) or (1,),
    )
