"""NumPy as replicas, each in a process of its own: honest, or with one deliberate mistake that the gate must refuse."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

from engines.errors import UnsupportedError
from engines.frameworks import reference
from engines.replicas.equality import same_in_all
from engines.replicas.ranks import current
from engines.replicas.shares import shares

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engines.contract import Setup, Weights


class Replicated(reference.Engine):
    """As data-parallel training should be: gradients are summed, each of them weighed by its share."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._share = shares(setup.batch_size, setup.replicas)[setup.rank]
        self.part = (self._share.stop - self._share.start) / setup.batch_size

    def _batches(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        return super()._batches(order)[:, self._share]

    def loss_and_gradients(self, inputs: Any, labels: Any) -> tuple[float, Weights]:
        loss, gradients = super().loss_and_gradients(inputs, labels)
        return loss * self.part, self.agreed([gradient * self.part for gradient in gradients])

    def agreed(self, own: Weights) -> Weights:
        return [sum(parts[1:], parts[0]) for parts in zip(*current().gather(own), strict=True)]

    def step_losses(self) -> list[float]:
        return current().sums(super().step_losses())

    def weights(self) -> Weights:
        return same_in_all(current(), super().weights())


class NotAveraged(Replicated):
    """Each replica goes by its own samples."""

    def agreed(self, own: Weights) -> Weights:
        return own

    def weights(self) -> Weights:
        return reference.Engine.weights(self)


class DifferentReplicas(NotAveraged):
    """The same, but it looks."""

    def weights(self) -> Weights:
        return Replicated.weights(self)


class MeanOfUnequalMeans(Replicated):
    """Each replica's mean counts as much as any other's."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.part = 1 / setup.replicas


class RateTimesReplicas(Replicated):
    """Gradients are summed where their mean was meant."""

    def agreed(self, own: Weights) -> Weights:
        return [gradient * current().count for gradient in super().agreed(own)]


class OneDies(Replicated):
    def compile(self) -> None:
        if self._setup.rank:
            os.kill(os.getpid(), signal.SIGKILL)


class OneCannot(Replicated):
    def compile(self) -> None:
        if self._setup.rank:
            raise UnsupportedError("No second replica here.")
        time.sleep(600)


class AllHang(Replicated):
    def compile(self) -> None:
        time.sleep(600)


ENGINES: dict[str, type[Replicated]] = {
    "replicas": Replicated,
    "not-averaged": NotAveraged,
    "different": DifferentReplicas,
    "unequal-means": MeanOfUnequalMeans,
    "rate-times-replicas": RateTimesReplicas,
    "one-dies": OneDies,
    "one-cannot": OneCannot,
    "hang-all": AllHang,
}
