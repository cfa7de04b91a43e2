"""A worker whose framework is NumPy: the real worker, host and channel, without gigabytes of frameworks.

`interpreter(folder, behaviour)` writes a program that can stand where an environment's Python stands: it lists
packages as TensorFlow's environment would, and starts this module instead of `engines.worker`. What goes wrong, and
when, is the behaviour's name.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engines.contract import Setup

_LISTING = '{"python": "CPython 3.11.0", "packages": {"tensorflow": "0.1", "keras": "0.2", "numpy": "0.3"}}'
_PROGRAM = """#!/bin/sh
case "$1" in
  -I) echo '{listing}' ;;
  *) shift 2; exec '{python}' -m tests.engines.stand_in {behaviour} "$@" ;;
esac
"""
BANNER = '{"event": "result", "result": {"from": "a banner"}}'


def interpreter(folder: Path, behaviour: str = "train") -> Path:
    path = folder / f"python-{behaviour}"
    path.write_text(_PROGRAM.format(listing=_LISTING, python=sys.executable, behaviour=behaviour))
    path.chmod(0o755)
    return path


# ---------------------------------------------------------------- what runs in the worker


def _die_by(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


def _leave_with_code_3() -> None:
    sys.exit(3)


def _run_out_of_memory() -> None:
    raise MemoryError("Unable to allocate 9.3 TiB")


def _run_out_of_device_memory() -> None:
    raise RuntimeError("RESOURCE_EXHAUSTED: failed to allocate request for 9.3TiB")


def _cannot_do_this() -> None:
    from engines.errors import UnsupportedError

    raise UnsupportedError("No convolutions here.")


def _hang() -> None:
    time.sleep(600)


def _burn(cpu_seconds: float) -> None:
    begun = time.process_time()
    while time.process_time() - begun < cpu_seconds:
        pass


def _be_held_up() -> None:
    """As on a machine that others hold: it computes a little, gets nothing for long, and goes on."""
    _burn(0.5)
    time.sleep(3)


def _hang_with_a_child() -> None:
    """The child's id is the last word on standard error."""
    child = subprocess.Popen(["sleep", "600"])
    print(child.pid, file=sys.stderr, flush=True)  # noqa: T201
    _hang()


def _die_and_leave_a_child() -> None:
    """A forked child inherits the channel, and would keep it open."""
    if os.fork() == 0:
        time.sleep(600)
    os._exit(4)


def _print_banners() -> None:
    """As C++ does: past Python, on both streams, looking like events."""
    for descriptor in (1, 2):
        os.write(descriptor, BANNER.encode() + b"\n")


def _fail_with_private_words() -> None:
    raise RuntimeError(f"{os.environ['STAND_IN_WORDS']} {Path.cwd()}/engines")


BEFORE_TRAINING: dict[str, Callable[[], None]] = {
    "train": lambda: None,
    "exit-code": _leave_with_code_3,
    "segfault": _die_by(signal.SIGSEGV),
    "kill": _die_by(signal.SIGKILL),
    "real-time-signal": _die_by(signal.SIGRTMIN + 5) if hasattr(signal, "SIGRTMIN") else lambda: None,
    "memory": _run_out_of_memory,
    "device-memory": _run_out_of_device_memory,
    "unsupported": _cannot_do_this,
    "hang": _hang,
    "hang-with-child": _hang_with_a_child,
    "held-up": _be_held_up,
    "burn": lambda: _burn(600),
    "orphan": _die_and_leave_a_child,
    "banners": _print_banners,
    "private": _fail_with_private_words,
}


def _make_engine(behaviour: str, setup: Setup) -> Any:
    from engines.frameworks import reference
    from tests.engines import planted

    base: Any = planted.LearningRateOffByOnePercent if behaviour == "wrong" else reference.Engine

    class StandIn(base):  # type: ignore[misc]
        def compile(self) -> None:
            BEFORE_TRAINING.get(behaviour, lambda: None)()

        def step_losses(self) -> list[float]:
            losses: list[float] = super().step_losses()
            return [float("nan")] if behaviour == "nan" else losses

        def train_epoch(self, order: Any) -> None:
            if behaviour == "slow":
                time.sleep(0.15)
            super().train_epoch(order)

    return StandIn(setup)


class _Profiler:
    """What a framework's would say of NumPy."""

    name = "stand-in profiler"
    version = "0.1"

    def __init__(self, setup: Setup) -> None:
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")

    def times(self) -> list[Any]:
        from engines.profiling import Timed

        assert self.calls == ["start", "stop"]
        return [Timed("dot", 10, 0.003), Timed("add", 5, 0.001)]


def _provide_replicas(behaviour: str) -> None:
    from tests.engines import replicated

    module = ModuleType("engines.replicas.tensorflow")
    module.Engine = replicated.ENGINES.get(behaviour, replicated.Replicated)  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module


def _linger() -> None:
    """What some frameworks do at exit: they wait for something that does not come."""
    import atexit

    atexit.register(time.sleep, 600)


def main() -> None:
    behaviour = sys.argv.pop(1)
    for name in ("tensorflow", "keras"):
        module = ModuleType(f"engines.frameworks.{name}")
        module.Engine = lambda setup: _make_engine(behaviour, setup)  # type: ignore[attr-defined]
        sys.modules[module.__name__] = module
    _provide_replicas(behaviour)
    profilers = ModuleType("engines.profilers.tensorflow")
    profilers.Profiler = _Profiler  # type: ignore[attr-defined]
    sys.modules[profilers.__name__] = profilers
    if behaviour == "linger":
        _linger()
    if behaviour == "torn":
        os.write(int(sys.argv[-1]), b'{"event": "result", "res')
        os._exit(5)

    from engines import worker

    worker.main()


if __name__ == "__main__":
    main()
