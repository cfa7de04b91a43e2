"""`torch.profiler`: PyTorch's operators on the CPU, or the kernels on the GPU, each with its own time."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from engines.contract import Setup
from engines.profiling import Timed


class Profiler:
    name = "torch.profiler"

    def __init__(self, setup: Setup) -> None:
        torch = importlib.import_module("torch")
        tools = importlib.import_module("torch.profiler")
        self.version = str(torch.__version__)
        self._on_gpu = setup.device == "gpu"
        activities = [tools.ProfilerActivity.CPU, *([tools.ProfilerActivity.CUDA] if self._on_gpu else [])]
        self._profile = tools.profile(activities=activities)

    def start(self) -> None:
        self._profile.start()

    def stop(self) -> None:
        self._profile.stop()

    def times(self) -> Iterator[Timed]:
        """On a GPU what its kernels took; else what each operator took on the CPU, without the operators it calls."""
        for event in self._profile.key_averages():
            if self._on_gpu and not str(event.device_type).endswith("CUDA"):
                continue
            microseconds = event.self_device_time_total if self._on_gpu else event.self_cpu_time_total
            yield Timed(str(event.key), int(event.count), float(microseconds) / 1e6)
