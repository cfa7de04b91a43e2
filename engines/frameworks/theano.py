"""Theano 1.0.5: one compiled function per step, data and weights in shared variables, as its tutorials teach.

Tuned, that function takes no input and is called once an epoch: its C code repeats the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engines import backends, networks, optimizers
from engines.contract import Evaluation
from engines.evaluation import in_parts
from engines.networks import POOL, Convolution, Dense, by_layer, supported, takes_images
from engines.networks.layouts import from_channels_first, images_channels_first, to_channels_first

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, Setup, TrainingData, Weights


class Engine:
    def __init__(self, setup: Setup) -> None:
        self._theano = backends.start(setup, "theano")
        self._setup = setup
        self._layers = networks.layers(setup.network, setup.sample)
        self._forward = supported(self._layers, {Convolution: self._convolution, Dense: self._dense}, "Theano")
        optimizers.supported(setup.optimizer, ["sgd"], "Theano")
        self._tuned = setup.track == "tuned"
        self._losses: Any = []

    def build(self, weights: Weights, data: TrainingData) -> None:
        self._parameters = [self._share(weight) for weight in to_channels_first(self._layers, weights)]
        self._inputs = self._share(images_channels_first(data.train_inputs))
        self._labels = self._theano.shared(data.train_labels, borrow=True)
        self._order = self._theano.shared(np.zeros(0, np.int64))
        if self._tuned:
            self._next_step = self._theano.shared(np.int64(0))
            self._step_losses = self._share(np.zeros(len(data.train_labels) // self._setup.batch_size))
        self._test = (images_channels_first(data.test_inputs), data.test_labels)

    def compile(self) -> None:
        tensor = self._theano.tensor
        inputs = tensor.tensor4() if takes_images(self._layers[0]) else tensor.matrix()
        labels = tensor.lvector()
        probabilities = self._network(inputs)
        losses = tensor.nnet.categorical_crossentropy(probabilities, labels)
        self._step = self._compile_step(inputs, labels, losses.mean())
        correct = tensor.eq(tensor.argmax(probabilities, axis=1), labels).sum()
        self._evaluate = self._theano.function([inputs, labels], [losses.sum(), correct])

    def train_epoch(self, order: NDArray[np.int64]) -> None:
        self._order.set_value(order)
        steps = len(order) // self._setup.batch_size
        if self._tuned:
            self._next_step.set_value(0)
            self._step.fn(n_calls=steps)
        else:
            self._losses = [self._step(step) for step in range(steps)]

    def synchronize(self) -> None:
        if self._setup.device == "gpu":
            for parameter in self._parameters:
                parameter.get_value(borrow=True, return_internal_type=True).sync()

    def step_losses(self) -> list[float]:
        losses = self._step_losses.get_value() if self._tuned else self._losses
        return [float(loss) for loss in losses]

    def weights(self) -> Weights:
        return from_channels_first(self._layers, [parameter.get_value() for parameter in self._parameters])

    def evaluate(self) -> Evaluation:
        inputs, labels = self._test
        return in_parts(self._evaluate, inputs.astype(self._setup.dtype, copy=False), labels)

    def settings(self) -> Mapping[str, str]:
        names = ("device", "floatX", "openmp", "optimizer", "linker", "allow_gc", "blas.ldflags", "gcc.cxxflags")
        values = {name: str(_attribute(self._theano.config, name)) for name in names}
        # Only the library's name: its folder is this machine's business.
        values["blas.ldflags"] = values["blas.ldflags"].rpartition(" ")[2]
        values["theano.function"] = "called per epoch, fn(n_calls=…)" if self._tuned else "called per step"
        return values

    def _share(self, array: Array) -> Any:
        return self._theano.shared(array.astype(self._setup.dtype), borrow=True)

    def _compile_step(self, inputs: Any, labels: Any, loss: Any) -> Any:
        """One step of plain SGD on a batch of the epoch's order: the one that is asked for or, tuned, the next one."""
        step = self._next_step if self._tuned else self._theano.tensor.lscalar()
        size = self._setup.batch_size
        batch = self._order[step * size : (step + 1) * size]
        rate = np.asarray(self._setup.optimizer.learning_rate, self._setup.dtype)
        gradients = self._theano.grad(loss, self._parameters)
        updates = [(weight, weight - rate * slope) for weight, slope in zip(self._parameters, gradients, strict=True)]
        givens = {inputs: self._inputs[batch], labels: self._labels[batch]}
        if not self._tuned:
            return self._theano.function([step], loss, updates=updates, givens=givens)
        losses = self._theano.tensor.set_subtensor(self._step_losses[step], loss)
        updates += [(self._step_losses, losses), (step, step + 1)]
        return self._theano.function([], updates=updates, givens=givens)

    def _network(self, activations: Any) -> Any:
        for layer, own in by_layer(self._layers, self._parameters):
            activations = self._forward[type(layer)](layer, activations, *own)
        return activations

    def _dense(self, layer: Dense, activations: Any, kernel: Any, bias: Any) -> Any:
        nnet = self._theano.tensor.nnet
        outputs = self._theano.tensor.dot(activations.flatten(2), kernel) + bias
        return nnet.relu(outputs) if layer.relu else nnet.softmax(outputs)

    def _convolution(self, layer: Convolution, images: Any, kernel: Any, bias: Any) -> Any:
        from theano.tensor.signal.pool import pool_2d

        height, width, channels = layer.input_shape
        convolved = self._theano.tensor.nnet.conv2d(
            images,
            kernel,
            input_shape=(None, channels, height, width),
            filter_shape=_oihw(layer.parameters[0].shape),
            filter_flip=False,
        )
        outputs = self._theano.tensor.nnet.relu(convolved + bias.dimshuffle("x", 0, "x", "x"))
        return pool_2d(outputs, ws=(POOL, POOL), ignore_border=True)


def _attribute(config: Any, dotted: str) -> Any:
    for name in dotted.split("."):
        config = getattr(config, name)
    return config


def _oihw(shape: tuple[int, ...]) -> tuple[int, ...]:
    height, width, inputs, outputs = shape
    return outputs, inputs, height, width
