"""What else JAX could be told."""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.contract import Setup
from engines.frameworks.jax import Engine
from engines.layers.jax import Layers
from tests.alternatives.declared import Alternative


class Undonated(Engine):
    """Without `donate_argnums`: are the old parameters' buffers worth having?"""

    def compile(self) -> None:
        batches = self._batches(np.arange(len(self._data[1])))
        trained, fed = (self._train_steps, batches) if self._scans else (self._train_step, batches[0])
        self._run = self._jax.jit(trained)
        self._run.lower(self._parameters, self._moments, *self._data, fed).compile()


class OtherLoop(Engine):
    """A step from Python where tuned scans, and a scan where it does not."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._scans = not self._scans


class Unrolled(Engine):
    """Five steps in each turn of the loop: fewer turns, a larger program."""

    def _train_steps(self, parameters: Any, moments: Any, inputs: Any, labels: Any, batches: Any) -> tuple[Any, ...]:
        def step(state: Any, batch: Any) -> tuple[Any, Any]:
            parameters, moments, loss = self._train_step(state[0], state[1], inputs, labels, batch)
            return (parameters, moments), loss

        (parameters, moments), losses = self._jax.lax.scan(step, (parameters, moments), batches, unroll=5)
        return parameters, moments, losses


class OrderOnDevice(Engine):
    """The epoch's order as one array of JAX's, from which Python takes a row for each step."""

    def train_epoch(self, order: Any) -> None:
        batches = self._jax.numpy.asarray(self._batches(order))
        self._losses = []
        for step in range(len(batches)):
            self._parameters, self._moments, loss = self._run(
                self._parameters, self._moments, *self._data, batches[step]
            )
            self._losses.append(loss)


class _WindowPool(Layers):
    def _max_pool(self, images: Any) -> Any:
        lowest, window = -self._jax.numpy.inf, (1, 2, 2, 1)
        return self._jax.lax.reduce_window(images, lowest, self._jax.lax.max, window, window, "VALID")


class WindowPool(Engine):
    """Max-pooling by `lax.reduce_window`, as the idiomatic track has it."""

    layers_type = _WindowPool


class _SlicePool(Layers):
    def _max_pool(self, images: Any) -> Any:
        upper, lower = images[:, ::2], images[:, 1::2]
        rows = self._jax.numpy.maximum(upper, lower)
        return self._jax.numpy.maximum(rows[:, :, ::2], rows[:, :, 1::2])


class SlicePool(Engine):
    """Max-pooling as the maximum of four strided slices."""

    layers_type = _SlicePool


ALTERNATIVES = {
    "jax": (
        Alternative("idiomatic, rows of an array on the device", OrderOnDevice, "idiomatic", ("mlp",)),
        Alternative("tuned, not donated", Undonated),
        Alternative("tuned, a step from Python", OtherLoop, networks=("mlp",)),
        Alternative("tuned, five steps a turn", Unrolled, networks=("mlp",)),
        Alternative("tuned, without XLA_FLAGS", Engine, variables={"XLA_FLAGS": ""}),
        Alternative("tuned, pooling by reduce_window", WindowPool, networks=("cnn",)),
        Alternative("tuned, pooling by slices", SlicePool, networks=("cnn",)),
        Alternative("tuned, one scan per epoch", OtherLoop, networks=("cnn",)),
    )
}
