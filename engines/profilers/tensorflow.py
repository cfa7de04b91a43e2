"""`tf.profiler`: a trace of TensorFlow's kernels, by the type of their operation."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

from engines.contract import Setup
from engines.profilers import traces
from engines.profiling import Span, Timed

_KERNEL = re.compile(r"[A-Za-z0-9.][\w.\\/>-]*:([A-Z_]\w*)")
"""`gradient_tape/MatMul_1/MatMul:_MklMatMul`: the node's name and, after the colon, its type."""


class Profiler:
    name = "tf.profiler"

    def __init__(self, setup: Setup) -> None:
        tensorflow = importlib.import_module("tensorflow")
        self._tools = tensorflow.profiler.experimental
        self.version = str(tensorflow.__version__)
        self._on_gpu = setup.device == "gpu"
        self._folder = traces.new_folder()

    def start(self) -> None:
        # Python's own calls would slow a step by far more than they tell.
        options = self._tools.ProfilerOptions(host_tracer_level=2, python_tracer_level=0, device_tracer_level=1)
        self._tools.start(self._folder, options)

    def stop(self) -> None:
        self._tools.stop()

    def times(self) -> Iterator[Timed]:
        schema = importlib.import_module("tensorflow.tsl.profiler.protobuf.xplane_pb2")
        trace = schema.XSpace.FromString(traces.trace_in(self._folder).read_bytes())
        planes = ((plane.name, [self._spans(plane, line) for line in plane.lines]) for plane in trace.planes)
        return traces.times(traces.of_device(planes))

    def _spans(self, plane: Any, line: Any) -> list[Span]:
        """Times are picoseconds after the line's beginning."""
        named = ((self._operation(plane, event), event) for event in line.events)
        return [
            Span(name, event.offset_ps / 1e3, (event.offset_ps + event.duration_ps) / 1e3)
            for name, event in named
            if name
        ]

    def _operation(self, plane: Any, event: Any) -> str:
        """A kernel's type, or XLA's instruction where a function was compiled; empty for what is neither."""
        name = str(plane.event_metadata[event.metadata_id].name)
        if kernel := _KERNEL.fullmatch(name):
            return kernel.group(1)
        return _instruction(plane, event) or (name if self._on_gpu else "")


def _instruction(plane: Any, event: Any) -> str:
    for stat in event.stats:
        if plane.stat_metadata[stat.metadata_id].name == "hlo_op":
            return traces.plain(stat.str_value or plane.stat_metadata[stat.ref_value].name)
    return ""
