"""What TensorFlow's and JAX's traces have in common: planes of lines of events, one line a thread or a stream."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from engines.errors import EngineError
from engines.profiling import Span, Timed, own_times

_NUMBERED = re.compile(r"\.\d+$")
_GPU = "/device:GPU"


def new_folder() -> str:
    """In the worker's scratch folder, which goes with it."""
    return tempfile.mkdtemp(prefix="trace-")


def trace_in(folder: str) -> Path:
    """The one trace that was written there. Raises EngineError where there is none."""
    traces = sorted(Path(folder).rglob("*.xplane.pb"))
    if not traces:
        raise EngineError("The profiler wrote no trace.")
    return traces[-1]


def plain(name: str) -> str:
    """XLA numbers its instructions: `dot.3` and `dot.17` are both `dot`."""
    return _NUMBERED.sub("", name)


def of_device(planes: Iterable[tuple[str, list[list[Span]]]]) -> list[list[Span]]:
    """The GPU's streams where it was traced, else every thread's calls: the host only waits for a GPU."""
    every = list(planes)
    on_gpu = [lines for name, lines in every if name.startswith(_GPU)]
    return [line for lines in on_gpu or [lines for _, lines in every] for line in lines]


def times(lines: Iterable[Iterable[Span]]) -> Iterator[Timed]:
    for line in lines:
        yield from own_times(line)
