"""When a rigorous experiment has measured enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from runs.stats.difference import difference
from runs.stats.samples import LogSamples

StopReason = Literal["precise", "block limit", "out of budget"]

MIN_BLOCKS = 7
MAX_BLOCKS = 20
TARGET_HALF_WIDTH = 0.02


def half_width_of_log_ratio(baseline: LogSamples, candidate: LogSamples) -> float | None:
    """Half of the 95 % interval of log(candidate / baseline): 0.02 is about 2 %. None where there are too few runs."""
    return difference(baseline, candidate).half_width()


def stop_reason(
    half_widths: Sequence[float | None],
    *,
    blocks: int,
    budget_left: bool = True,
    min_blocks: int = MIN_BLOCKS,
    max_blocks: int = MAX_BLOCKS,
    target: float = TARGET_HALF_WIDTH,
) -> StopReason | None:
    """Why to stop after this many blocks, or None to go on.

    `half_widths` has one number for each pair that the suite compares; all must be under `target`. It looks at widths
    only, never at who leads, which would find winners by waiting for luck. Stopping when an interval happens to
    be narrow still costs a little coverage: the floor of 7 blocks keeps it at 93 to 95 % (simulated, spread 1 to 3 %).
    """
    if blocks >= min_blocks and half_widths and all(width is not None and width < target for width in half_widths):
        return "precise"
    if blocks >= max_blocks:
        return "block limit"
    return None if budget_left else "out of budget"
