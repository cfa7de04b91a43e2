"""What else TensorFlow could be told."""

from __future__ import annotations

from typing import Any

from engines.contract import Setup
from engines.frameworks.tensorflow import Engine
from tests.alternatives.declared import Alternative


class OtherXla(Engine):
    """XLA where tuned leaves it off, and none where it is on."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._uses_xla = not self._uses_xla


class JittedStep(Engine):
    """`jit_compile` for the step alone; Python loops over it."""

    def compile(self) -> None:
        super().compile()
        self._step = self._tf.function(self._train_step, jit_compile=True)
        before = self.weights()
        self._step(self._tf.range(self._setup.batch_size, dtype=self._tf.int64))
        for variable, value in zip(self._variables, before, strict=True):
            variable.assign(value)


class DatasetLoop(Engine):
    """The guide's loop over a tf.data pipeline, here of sample numbers."""

    def train_epoch(self, order: Any) -> None:
        size = self._setup.batch_size
        numbers = self._tf.data.Dataset.from_tensor_slices(order).batch(size, drop_remainder=True)
        self._losses = [self._step(batch) for batch in numbers]


class DatasetInside(Engine):
    """The same pipeline inside the function of an epoch; XLA knows no tf.data."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._uses_xla = False

    def _train_steps(self, batches: Any, steps: Any) -> Any:
        tf = self._tf
        losses, step = tf.TensorArray(self._setup.dtype, len(batches), element_shape=[]), tf.constant(0)
        for batch in tf.data.Dataset.from_tensor_slices(batches[:steps]):
            losses = losses.write(step, self._train_step(batch))
            step += 1
        return losses.stack()


ALTERNATIVES = {
    "tensorflow": (
        Alternative("idiomatic, batches from tf.data", DatasetLoop, "idiomatic"),
        Alternative("idiomatic, jit_compile", JittedStep, "idiomatic"),
        Alternative("tuned, without jit_compile", OtherXla, networks=("mlp",)),
        Alternative("tuned, jit_compile", OtherXla, networks=("cnn",)),
        Alternative("tuned, tf.data inside, no jit_compile", DatasetInside),
    )
}
