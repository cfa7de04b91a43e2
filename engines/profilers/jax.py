"""`jax.profiler`: a trace of XLA's instructions (HLO) as they ran, fusions under the name that XLA gave them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from engines.contract import Setup
from engines.profilers import traces
from engines.profiling import Span, Timed


class Profiler:
    name = "jax.profiler"

    def __init__(self, setup: Setup) -> None:
        self._tools = importlib.import_module("jax.profiler")
        self.version = str(importlib.import_module("jax").__version__)
        self._on_gpu = setup.device == "gpu"
        self._folder = traces.new_folder()

    def start(self) -> None:
        options = self._tools.ProfileOptions()
        options.python_tracer_level = 0  # every Python call, else: that slows a step by far more
        self._tools.start_trace(self._folder, profiler_options=options)

    def stop(self) -> None:
        self._tools.stop_trace()

    def times(self) -> Iterator[Timed]:
        trace = self._tools.ProfileData.from_file(str(traces.trace_in(self._folder)))
        planes = ((plane.name, [self._spans(line) for line in plane.lines]) for plane in trace.planes)
        return traces.times(traces.of_device(planes))

    def _spans(self, line: Any) -> list[Span]:
        """Events that stand for an instruction say so; a GPU's copies stand for themselves."""
        named = ((_instruction(event) or (event.name if self._on_gpu else ""), event) for event in line.events)
        return [Span(traces.plain(name), event.start_ns, event.end_ns) for name, event in named if name]


def _instruction(event: Any) -> str:
    return next((str(value) for key, value in event.stats if key == "hlo_op"), "")
