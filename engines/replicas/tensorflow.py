"""TensorFlow: `MultiWorkerMirroredStrategy` around a loop of one's own, as its guide teaches."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from engines import backends
from engines.frameworks import tensorflow
from engines.replicas.equality import same_in_all
from engines.replicas.ranks import current
from engines.replicas.shares import shares

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Setup, Weights


class Engine(tensorflow.Engine):
    def __init__(self, setup: Setup) -> None:
        self._strategy = _strategy(backends.start(setup, "tensorflow"))  # before anything else of TensorFlow's
        super().__init__(setup)
        self._ranks = current()
        self._share = shares(setup.batch_size, setup.replicas)[setup.rank]

    def _compile_training(self) -> None:
        self._step = self._tf.function(self._train_step)
        size = self._share.stop - self._share.start
        self._step.get_concrete_function(self._tf.TensorSpec([size], self._tf.int64))

    def train_epoch(self, order: NDArray[np.int64]) -> None:
        size = self._setup.batch_size
        steps = len(order) // size
        batches = self._tf.constant(order[: steps * size].reshape(steps, size)[:, self._share])
        self._losses = [self._step(batch) for batch in self._tf.unstack(batches)]

    def _train_step(self, batch: Any) -> Any:
        return self._strategy.run(self._own_step, args=(batch,))

    def _own_step(self, batch: Any) -> Any:
        """A step of all ranks; returns what this one's samples add to the loss before it."""
        tf = self._tf
        with tf.GradientTape() as tape:
            logits = self._model.forward(self._variables, tf.gather(self._inputs, batch), training=True)
            losses = self._sample_losses(logits, tf.gather(self._labels, batch))
            whole = tf.size(losses) // len(batch) * self._setup.batch_size
            part = tf.reduce_sum(losses) / tf.cast(whole, losses.dtype)
        own = [tf.convert_to_tensor(each) for each in tape.gradient(part, self._trained)]
        self._update(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, own))
        return part

    def synchronize(self) -> None:
        """TensorFlow's own way knows no ranks. The last variable's last value is there when all that led to it is."""
        self._trained[-1].numpy()

    def step_losses(self) -> list[float]:
        return self._ranks.sums(super().step_losses())

    def weights(self) -> Weights:
        return same_in_all(self._ranks, super().weights())

    def settings(self) -> Mapping[str, str]:
        return {**super().settings(), "replicas": "MultiWorkerMirroredStrategy, a loop of one's own"}


@cache
def _strategy(tf: Any) -> Any:
    """One a process."""
    return tf.distribute.MultiWorkerMirroredStrategy()
