"""What one run's record says beside its time per epoch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RunDetails:
    """What one run's record says beside its epochs."""

    first_epoch_seconds: float
    compile_seconds: float
    start_seconds: float
    """Import, build and compile: what is paid once."""
    median_seconds: float
    memory_bytes: float
    accuracy: float | None = None
    threads_observed: float | None = None
    watts: float | None = None
    """What training took beyond the idle machine, by the hardware's counters; None where these were not open."""

    @property
    def warm_up_seconds(self) -> float:
        """What the first epoch took beyond a usual one: Keras, for one, compiles within it."""
        return max(0.0, self.first_epoch_seconds - self.median_seconds)
