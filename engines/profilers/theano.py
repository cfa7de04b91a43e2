"""Theano's own profile of its compiled functions: each node's calls and seconds, by operation."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator
from typing import Any

from engines.contract import Setup
from engines.profiling import Timed


class Profiler:
    name = "Theano's ProfileStats"

    def __init__(self, setup: Setup) -> None:
        self._theano = importlib.import_module("theano")
        self._function = importlib.import_module("theano.compile.function_module").Function
        self.version = str(self._theano.__version__)
        # Functions that are compiled from now on count what they do, the warm-up included.
        self._theano.config.profile = True

    def start(self) -> None:
        for stats in self._every():
            stats.reset()

    def stop(self) -> None:
        self._theano.config.profile = False  # else it prints everything when the process ends

    def times(self) -> Iterator[Timed]:
        for stats in self._every():
            calls = stats.op_callcount()
            for operation, seconds in stats.op_time().items():
                yield Timed(str(operation), int(calls[operation]), float(seconds))

    def _every(self) -> list[Any]:
        """Of every function. One whose C code repeats its calls has not yet told its profile of them."""
        functions = [each for each in gc.get_objects() if type(each) is self._function and each.profile]
        for function in functions:
            function.fn.update_profile(function.profile)
        return [function.profile for function in functions]
