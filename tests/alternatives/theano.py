"""What else Theano could be told."""

from __future__ import annotations

from functools import partial
from typing import Any
from unittest import mock

import numpy as np

from engines.frameworks.theano import Engine
from tests.alternatives.declared import Alternative


class Trusting(Engine):
    """`trust_input`: what Python hands over is not looked at, so it must be an array."""

    def compile(self) -> None:
        super().compile()
        self._step.trust_input = True

    def train_epoch(self, order: Any) -> None:
        self._order.set_value(order)
        self._losses = [self._step(np.asarray(step)) for step in range(len(order) // self._setup.batch_size)]


class StepFromPython(Engine):
    """The tuned function, called once a step instead of once an epoch."""

    def train_epoch(self, order: Any) -> None:
        self._order.set_value(order)
        self._next_step.set_value(0)
        for _ in range(len(order) // self._setup.batch_size):
            self._step()


class CLinker(StepFromPython):
    """All of a step as one piece of C, which can be called only once a step."""

    def compile(self) -> None:
        mode = partial(self._theano.Mode, "c")
        with mock.patch.object(self._theano, "Mode", lambda linker, optimizer: mode(optimizer)):
            super().compile()


class Scan(Engine):
    """`theano.scan` over the epoch's batches: Theano's own loop."""

    def _compile_step(self, inputs: Any, labels: Any, loss: Any) -> Any:
        theano = self._theano
        rate, batches = np.asarray(self._setup.learning_rate, self._setup.dtype), theano.tensor.lmatrix()

        def step(batch: Any) -> tuple[Any, list[tuple[Any, Any]]]:
            fed = {inputs: self._inputs[batch], labels: self._labels[batch]}
            mean = theano.clone(loss, replace=fed)
            slopes = zip(self._parameters, theano.grad(mean, self._parameters), strict=True)
            return mean, [(weight, weight - rate * slope) for weight, slope in slopes]

        losses, updates = theano.scan(step, sequences=batches)
        return theano.function([batches], losses, updates=updates)

    def train_epoch(self, order: Any) -> None:
        size = self._setup.batch_size
        self._losses = self._step(order[: len(order) // size * size].reshape(-1, size))


_FLAGS = "{},gcc.cxxflags=-O3 -ffast-math -funroll-loops -ftracer"

ALTERNATIVES = {
    "theano": (
        Alternative("idiomatic, trust_input", Trusting, "idiomatic"),
        Alternative("idiomatic, theano.scan", Scan, "idiomatic", ("mlp",)),
        Alternative("idiomatic, allow_gc=False", Engine, "idiomatic", variables={"THEANO_FLAGS": "{},allow_gc=False"}),
        Alternative("tuned, a step from Python", StepFromPython),
        Alternative("tuned, a step from Python, linker c", CLinker),
        Alternative("tuned, more of GCC's flags", Engine, variables={"THEANO_FLAGS": _FLAGS}),
    )
}
