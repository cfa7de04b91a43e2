"""What measured times say: estimates, ratios, verdicts, scaling. Pure functions; no ORM.

The process is the unit of replication, and everything is reckoned on the logarithm of each run's median epoch:
times are skewed and engines differ by factors, so that logs are nearer to normal and differences of logs are ratios.
"""

from runs.stats.comparison import (
    EQUIVALENCE,
    SIGNIFICANCE,
    Ratio,
    Verdict,
    equivalence_region,
    holm,
    judge,
    noise_floor,
    p_slower,
    ratio,
    ratio_to_itself,
    within,
)
from runs.stats.samples import (
    CONFIDENCE,
    MIN_RUNS,
    Estimate,
    LogSamples,
    estimate,
    run_median,
    stalled_runs,
)
from runs.stats.scaling import ScalingPoint, aggregate_ratio, scaling, speed_up
from runs.stats.stopping import StopReason, half_width_of_log_ratio, stop_reason

__all__ = [
    "CONFIDENCE",
    "EQUIVALENCE",
    "MIN_RUNS",
    "SIGNIFICANCE",
    "Estimate",
    "LogSamples",
    "Ratio",
    "ScalingPoint",
    "StopReason",
    "Verdict",
    "aggregate_ratio",
    "equivalence_region",
    "estimate",
    "half_width_of_log_ratio",
    "holm",
    "judge",
    "noise_floor",
    "p_slower",
    "ratio",
    "ratio_to_itself",
    "run_median",
    "scaling",
    "speed_up",
    "stalled_runs",
    "stop_reason",
    "within",
]
