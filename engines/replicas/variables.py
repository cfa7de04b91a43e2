"""What a framework reads from its environment before its import, to train replicas."""

from __future__ import annotations

import json
import sys

from engines import gpus
from engines.contract import Setup
from engines.replicas.ranks import Ranks


def variables(setup: Setup, backend: str, ranks: Ranks) -> dict[str, str]:
    """Beside those of `backends.environment_variables`; nothing for one replica."""
    if setup.replicas == 1:
        return {}
    return {"jax": _devices, "torch": _gloo, "tensorflow": _cluster}[backend](setup, ranks)


def _devices(setup: Setup, ranks: Ranks) -> dict[str, str]:
    """As many devices of one process: parts of the CPU, or GPUs side by side.

    On a CPU they share a pool of threads, in which each device holds one while it waits for the others' gradients:
    with none left to do their work, XLA waits for ever. The CPUs that they run on stay as many as there are threads.
    """
    if setup.device == "cpu":
        threads = setup.replicas * (setup.threads + 1)
        return {"JAX_NUM_CPU_DEVICES": str(setup.replicas), "NPROC": str(threads)}
    shown = [gpus.visible(setup.device_index + number) for number in range(setup.replicas)]
    return {name: ",".join(dict.fromkeys(each[name] for each in shown)) for name in shown[0]}


def _gloo(setup: Setup, ranks: Ranks) -> dict[str, str]:
    """Ranks of one host meet on its own interface: its name may resolve to none."""
    return {"GLOO_SOCKET_IFNAME": "lo0" if sys.platform == "darwin" else "lo"}


def _cluster(setup: Setup, ranks: Ranks) -> dict[str, str]:
    task = {"type": "worker", "index": ranks.rank}
    return {"TF_CONFIG": json.dumps({"cluster": {"worker": ranks.addresses}, "task": task})}
