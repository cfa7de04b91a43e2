"""What else Theano could be told."""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.frameworks.theano import Engine
from engines.layers.theano import Layers
from engines.networks import KERNEL, POOL, Convolution
from tests.alternatives.declared import Alternative


class Trusting(Engine):
    """`trust_input`: what Python hands over is not looked at, so it must be an array."""

    def compile(self) -> None:
        super().compile()
        self._timed.trust_input = True

    def train_epoch(self, order: Any) -> None:
        self._order.set_value(order)
        self._losses = [self._timed(np.asarray(step)) for step in range(len(order) // self._setup.batch_size)]


class StepFromPython(Engine):
    """The tuned function, called once a step instead of once an epoch."""

    def train_epoch(self, order: Any) -> None:
        self._order.set_value(order)
        self._next_step.set_value(0)
        for _ in range(len(order) // self._setup.batch_size):
            self._timed()


class _PoolsFirst(Layers):
    def _convolution(self, layer: Convolution, images: Any, kernel: Any, bias: Any) -> Any:
        from theano.tensor.signal.pool import pool_2d

        height, width, channels = layer.input_shape
        convolved = self._tensor.nnet.conv2d(
            images,
            kernel,
            input_shape=(None, channels, height, width),
            filter_shape=(layer.filters, channels, KERNEL, KERNEL),
            filter_flip=False,
        )
        pooled = pool_2d(convolved, ws=(POOL, POOL), ignore_border=True)
        return self._tensor.nnet.relu(pooled + bias.dimshuffle("x", 0, "x", "x"))


class PoolsFirst(Engine):
    """As the study's listing has it: pooled before the bias is added and ReLU applied, to a quarter of the values.

    Both only ever keep the order of values, so that the outputs are the same.
    """

    layers_type = _PoolsFirst


_GCC = {"THEANO_FLAGS": "{},gcc.cxxflags=-O3 -ffast-math -funroll-loops -ftracer"}
_KEPT = {"THEANO_FLAGS": "{},allow_gc=False"}
_C = {"THEANO_FLAGS": "{},linker=c"}  # all of a step as one piece of C, which can be called only once a step

ALTERNATIVES = {
    "theano": (
        Alternative("idiomatic, trust_input", Trusting, "idiomatic"),
        Alternative("idiomatic, allow_gc=False", Engine, "idiomatic", variables=_KEPT),
        Alternative("idiomatic, pools first", PoolsFirst, "idiomatic", networks=("cnn",)),
        Alternative("tuned, a step from Python", StepFromPython),
        Alternative("tuned, a step from Python, linker c", StepFromPython, networks=("mlp",), variables=_C),
        Alternative("tuned, more of GCC's flags", Engine, networks=("mlp",), variables=_GCC),
    )
}
