"""PyTorch: `DistributedDataParallel`, as its tutorial teaches: gloo between CPUs, NCCL between GPUs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.frameworks import torch
from engines.replicas.equality import same_in_all
from engines.replicas.ranks import current
from engines.replicas.shares import shares

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Setup, TrainingData, Weights


class Engine(torch.Engine):
    """It takes the mean of the ranks' gradients: each rank's loss is weighed by its share of the batch."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._ranks = current()
        self._share = shares(setup.batch_size, setup.replicas)[setup.rank]
        self._part = (self._share.stop - self._share.start) / setup.batch_size

    def build(self, weights: Weights, data: TrainingData) -> None:
        super().build(weights, data)
        self._meet()
        ids = [0] if self._setup.device == "gpu" else None  # each rank sees its own GPU alone
        self._parallel = self._torch.nn.parallel.DistributedDataParallel(self._model, device_ids=ids)

    def _meet(self) -> None:
        """Once a process, in a file of the folder that all ranks share."""
        distributed = self._torch.distributed
        if not distributed.is_initialized():
            place = Path(os.environ.get("TMPDIR") or tempfile.gettempdir()) / "ranks"
            backend = "nccl" if self._setup.device == "gpu" else "gloo"
            ranks = {"rank": self._ranks.rank, "world_size": self._ranks.count}
            distributed.init_process_group(backend, init_method=f"file://{place}", **ranks)

    def train_epoch(self, order: NDArray[np.int64]) -> None:
        size = self._setup.batch_size
        steps = len(order) // size
        batches = self._tensor(order[: steps * size].reshape(steps, size)[:, self._share])
        self._set_mode(training=True)
        self._losses = [self._train_step(batch) for batch in batches]

    def _train_step(self, batch: Any) -> Any:
        part = self._mean_loss(self._parallel(self._inputs[batch]), self._labels[batch]) * self._part
        self._optimizer.zero_grad()
        (part * self._ranks.count).backward()
        self._optimizer.step()
        return part.detach()

    def step_losses(self) -> list[float]:
        return self._ranks.sums(super().step_losses())

    def weights(self) -> Weights:
        return same_in_all(self._ranks, super().weights())

    def settings(self) -> Mapping[str, str]:
        backend = self._torch.distributed.get_backend()
        return {**super().settings(), "replicas": f"DistributedDataParallel, {backend}"}
