"""Theano 1.0.5: one compiled function per step, data and weights in shared variables, as its tutorials teach.

Tuned, that function takes no input and is called once an epoch: its C code repeats the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from engines import backends, networks, optimizers
from engines.contract import Evaluation
from engines.evaluation import in_parts
from engines.layers.theano import Layers
from engines.networks import every
from engines.networks.kinds import BatchNormalisation, CausalAttention, Gru, Lstm
from engines.networks.layouts import from_channels_first, images_channels_first, to_channels_first
from engines.optimizers import ADAM_BETAS, ADAM_EPSILON

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, Samples, Setup, TrainingData, Weights


class Engine:
    layers_type = Layers

    def __init__(self, setup: Setup) -> None:
        self._theano = backends.start(setup, "theano")
        self._setup = setup
        self._layers = networks.layers(setup.network, setup.sample)
        self._takes_tokens = networks.of_type(setup.network.type).takes == "tokens"
        self._tuned = setup.track == "tuned"
        self._model = self.layers_type(self._theano, self._layers, tuned=self._tuned)
        self._optimizer = optimizers.kind(setup.optimizer)
        self._losses: Any = []

    def build(self, weights: Weights, data: TrainingData) -> None:
        self._parameters = [self._share(weight) for weight in to_channels_first(self._layers, weights)]
        known = networks.parameters_of(self._setup.network, self._setup.sample)
        self._trained = [each for each, one in zip(self._parameters, known, strict=True) if one.is_trained]
        self._inputs = self._theano.shared(self._as_fed(data.train_inputs), borrow=True)
        self._labels = self._theano.shared(data.train_labels, borrow=True)
        self._order = self._theano.shared(np.zeros(0, np.int64))
        if self._tuned:
            self._next_step = self._theano.shared(np.int64(0))
            self._step_losses = self._share(np.zeros(len(data.train_labels) // self._setup.batch_size))
        self._test = (data.test_inputs, data.test_labels)

    def compile(self) -> None:
        """What will be timed; the rest is compiled when it is asked for, as other frameworks do."""
        self._timed = self._ask if self._setup.task == "infer" else self._compile_step()

    @cached_property
    def _ask(self) -> Any:
        inputs = self._input_variable()
        probabilities, _ = self._probabilities(inputs, training=False)
        function = self._theano.function([inputs], probabilities)
        function.trust_input = self._tuned
        return function

    @cached_property
    def _evaluate(self) -> Any:
        tensor, inputs, labels = self._theano.tensor, self._input_variable(), self._label_variable()
        probabilities, _ = self._probabilities(inputs, training=False)
        losses, _ = self._sample_losses(inputs, labels, training=False)
        correct = tensor.eq(tensor.argmax(probabilities, axis=1), labels.flatten()).sum()
        return self._theano.function([inputs, labels], [losses.sum(), correct])

    def train_epoch(self, order: NDArray[np.int64]) -> None:
        self._order.set_value(order)
        steps = len(order) // self._setup.batch_size
        if self._tuned:
            self._next_step.set_value(0)
            self._timed.fn(n_calls=steps)
        else:
            self._losses = [self._timed(step) for step in range(steps)]

    def synchronize(self) -> None:
        if self._setup.device == "gpu":
            for parameter in self._parameters:
                parameter.get_value(borrow=True, return_internal_type=True).sync()

    def step_losses(self) -> list[float]:
        losses = self._step_losses.get_value() if self._tuned else self._losses
        return [float(loss) for loss in losses]

    def weights(self) -> Weights:
        return from_channels_first(self._layers, [parameter.get_value() for parameter in self._parameters])

    def predict(self, inputs: Samples) -> Array:
        probabilities: Array = self._ask(self._as_fed(inputs))
        return probabilities.reshape(*inputs.shape, -1) if self._takes_tokens else probabilities

    def evaluate(self) -> Evaluation:
        inputs, labels = self._test
        return in_parts(self._evaluate, self._as_fed(inputs), labels)

    def settings(self) -> Mapping[str, str]:
        names = ("device", "floatX", "openmp", "optimizer", "linker", "allow_gc", "blas.ldflags", "gcc.cxxflags")
        values = {name: str(_attribute(self._theano.config, name)) for name in names}
        # Only the library's name: its folder is this machine's business.
        values["blas.ldflags"] = values["blas.ldflags"].rpartition(" ")[2]
        values["theano.function"] = self._function_words()
        return {**values, **self._layer_settings()}

    def _function_words(self) -> str:
        if self._setup.task == "infer":
            return "called per call, trust_input" if self._tuned else "called per call"
        return "called per epoch, fn(n_calls=…)" if self._tuned else "called per step"

    def _layer_settings(self) -> dict[str, str]:
        kinds, found = {type(layer) for layer in every(self._layers)}, {}
        if kinds & {Lstm, Gru}:
            found["recurrent layers"] = "unrolled, input products in one; theano.scan does not compile here"
        if BatchNormalisation in kinds:
            found["batch normalisation"] = "nnet.bn.batch_normalization_train"
        if CausalAttention in kinds:
            found["attention"] = "batched_dot, nnet.softmax"
        return found

    def _share(self, array: Array) -> Any:
        return self._theano.shared(array.astype(self._setup.dtype), borrow=True)

    def _as_fed(self, inputs: Samples) -> Samples:
        if self._takes_tokens:
            return inputs
        return images_channels_first(inputs.astype(self._setup.dtype, copy=False))

    def _input_variable(self) -> Any:
        tensor = self._theano.tensor
        if self._takes_tokens:
            return tensor.lmatrix()
        return {1: tensor.matrix, 2: tensor.tensor3, 3: tensor.tensor4}[len(self._layers[0].input_shape)]()

    def _label_variable(self) -> Any:
        return self._theano.tensor.lmatrix() if self._takes_tokens else self._theano.tensor.lvector()

    # ------------------------------------------------------------ steps

    def _compile_step(self) -> Any:
        """One step on a batch of the epoch's order: the one that is asked for or, tuned, the next one."""
        inputs, labels = self._input_variable(), self._label_variable()
        losses, seen = self._sample_losses(inputs, labels, training=True)
        loss = losses.mean()
        step = self._next_step if self._tuned else self._theano.tensor.lscalar()
        size = self._setup.batch_size
        batch = self._order[step * size : (step + 1) * size]
        updates = self._updates(self._theano.grad(loss, self._trained)) + seen
        givens = {inputs: self._inputs[batch], labels: self._labels[batch]}
        if not self._tuned:
            return self._theano.function([step], loss, updates=updates, givens=givens)
        kept = self._theano.tensor.set_subtensor(self._step_losses[step], loss)
        updates += [(self._step_losses, kept), (step, step + 1)]
        return self._theano.function([], updates=updates, givens=givens)

    def _updates(self, gradients: list[Any]) -> list[tuple[Any, Any]]:
        if self._optimizer == "adam":
            return self._updates_by_adam(gradients)
        rate, momentum = self._constants(self._setup.optimizer.learning_rate, self._setup.optimizer.momentum)
        updates: list[tuple[Any, Any]] = []
        for weight, slope in zip(self._trained, gradients, strict=True):
            change = slope
            if self._optimizer == "momentum":
                kept = self._share(np.zeros_like(weight.get_value()))
                change = momentum * kept + slope
                updates.append((kept, change))
            updates.append((weight, weight - rate * change))
        return updates

    def _updates_by_adam(self, gradients: list[Any]) -> list[tuple[Any, Any]]:
        rate, first, second, epsilon, one = self._constants(
            self._setup.optimizer.learning_rate, *ADAM_BETAS, ADAM_EPSILON, 1.0
        )
        steps = self._share(np.zeros(()))
        of_mean, of_square = one - first ** (steps + one), one - second ** (steps + one)
        updates: list[tuple[Any, Any]] = [(steps, steps + one)]
        for weight, slope in zip(self._trained, gradients, strict=True):
            kept = [self._share(np.zeros_like(weight.get_value())) for _ in range(2)]
            mean = first * kept[0] + (one - first) * slope
            square = second * kept[1] + (one - second) * slope**2
            change = rate * (mean / of_mean) / (self._theano.tensor.sqrt(square / of_square) + epsilon)
            updates += [(kept[0], mean), (kept[1], square), (weight, weight - change)]
        return updates

    def _constants(self, *values: float) -> list[Any]:
        return [np.asarray(value, self._setup.dtype) for value in values]

    def _probabilities(self, inputs: Any, *, training: bool) -> tuple[Any, list[tuple[Any, Any]]]:
        """(n, classes); of tokens, a row for each position. And what running statistics become."""
        outputs, seen = self._model.forward(self._parameters, inputs, training=training)
        if not self._takes_tokens:
            return outputs, seen
        return self._theano.tensor.nnet.softmax(outputs.reshape((-1, self._layers[-1].output_shape[-1]))), seen

    def _sample_losses(self, inputs: Any, labels: Any, *, training: bool) -> tuple[Any, list[tuple[Any, Any]]]:
        probabilities, seen = self._probabilities(inputs, training=training)
        wanted = labels.flatten() if self._takes_tokens else labels
        return self._theano.tensor.nnet.categorical_crossentropy(probabilities, wanted), seen


def _attribute(config: Any, dotted: str) -> Any:
    for name in dotted.split("."):
        config = getattr(config, name)
    return config
