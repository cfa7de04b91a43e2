"""A plain NumPy network: what every engine must agree with. Its layers are in `engines/layers/numpy.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from engines import networks
from engines.contract import Evaluation
from engines.layers.numpy import Layers
from engines.layers.numpy_images import Ties
from engines.layers.numpy_passes import softmax_cross_entropy
from engines.optimizers import ADAM_BETAS, ADAM_EPSILON

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, Samples, Setup, TrainingData, Weights

Correction = Literal["moments", "rate"]
"""Where Adam's bias correction stands, see `engines/optimizers.py`: it differs by what epsilon weighs at first."""


class Engine:
    layers_type = Layers
    epsilon = ADAM_EPSILON

    def __init__(self, setup: Setup, ties: Ties = "first", correction: Correction = "moments") -> None:
        self._setup = setup
        self._ties = ties
        self._correction = correction
        self._known = networks.parameters_of(setup.network, setup.sample)
        self._layers = self.layers_type(networks.layers(setup.network, setup.sample), ties)
        self._losses: list[float] = []

    def build(self, weights: Weights, data: TrainingData) -> None:
        self._weights = [array.astype(self._setup.dtype) for array in weights]
        self._moments = [[np.zeros_like(array) for array in self._weights] for _ in range(2)]
        self._steps = 0
        self._data = data

    def compile(self) -> None:
        """Nothing to compile."""

    def train_epoch(self, order: NDArray[np.int64]) -> None:
        self._losses = [self._train_step(batch) for batch in self._batches(order)]

    def synchronize(self) -> None:
        """NumPy never returns early."""

    def step_losses(self) -> list[float]:
        return self._losses

    def weights(self) -> Weights:
        return [array.copy() for array in self._weights]

    def scores(self, inputs: Samples) -> Array:
        """Class scores before the softmax, of the network as it was trained."""
        return self._layers.forward(self._as_fed(inputs), self._weights, training=False)[0]

    def predict(self, inputs: Samples) -> Array:
        logits = self.scores(inputs)
        exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
        probabilities: Array = exponentials / exponentials.sum(axis=-1, keepdims=True)
        return probabilities

    def evaluate(self) -> Evaluation:
        logits = self.scores(self._data.test_inputs)
        loss, _ = softmax_cross_entropy(logits, self._data.test_labels)
        return Evaluation(loss, float(np.mean(logits.argmax(axis=-1) == self._data.test_labels)))

    def settings(self) -> Mapping[str, str]:
        return {"ties": self._ties}

    def loss_and_gradients(self, inputs: Samples, labels: NDArray[np.int64]) -> tuple[float, Weights]:
        """Mean loss of a batch, and its gradient for each tensor of `weights()`; a running statistic's change."""
        logits, backward = self._layers.forward(self._as_fed(inputs), self._weights, training=True)
        loss, gradient = softmax_cross_entropy(logits, labels)
        return loss, backward(gradient)[1]

    def _as_fed(self, inputs: Samples) -> Array:
        return inputs.astype(self._setup.dtype)  # tokens, too: they are small whole numbers

    def _batches(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        steps = len(order) // self._setup.batch_size
        return order[: steps * self._setup.batch_size].reshape(steps, -1)

    def _train_step(self, batch: NDArray[np.int64]) -> float:
        loss, gradients = self.loss_and_gradients(self._data.train_inputs[batch], self._data.train_labels[batch])
        self._update(gradients)
        return loss

    def _update(self, gradients: Weights) -> None:
        self._steps += 1
        update = self._adam if self._setup.optimizer.name == "adam" else self._sgd
        for number, (known, gradient) in enumerate(zip(self._known, gradients, strict=True)):
            self._weights[number] += update(number, gradient) if known.is_trained else gradient

    def _sgd(self, number: int, gradient: Array) -> Array:
        """v <- m v + g; w <- w - rate v."""
        velocity = self._moments[0]
        velocity[number] = self._setup.optimizer.momentum * velocity[number] + gradient
        change: Array = -self._setup.optimizer.learning_rate * velocity[number]
        return change

    def _adam(self, number: int, gradient: Array) -> Array:
        mean, square = self._moments
        first, second = ADAM_BETAS
        mean[number] = first * mean[number] + (1 - first) * gradient
        square[number] = second * square[number] + (1 - second) * gradient**2
        of_mean, of_square = 1 - first**self._steps, 1 - second**self._steps
        rate = self._setup.optimizer.learning_rate
        if self._correction == "rate":
            rate *= float(np.sqrt(of_square)) / of_mean
            folded: Array = -rate * mean[number] / (np.sqrt(square[number]) + self.epsilon)
            return folded
        result: Array = -rate * (mean[number] / of_mean) / (np.sqrt(square[number] / of_square) + self.epsilon)
        return result
