"""Samples of a cell from its runs' seconds."""

from __future__ import annotations

from collections.abc import Sequence

from runs.stats import LogSamples


def samples(*seconds: float, blocks: Sequence[int] | None = None) -> LogSamples:
    return LogSamples.of(seconds, range(len(seconds)) if blocks is None else blocks)
