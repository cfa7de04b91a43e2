"""JAX: a jitted step of SGD over `jax.value_and_grad`, as its guide teaches; tuned, the epoch is one `lax.scan`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engines import backends, networks, optimizers
from engines.contract import Evaluation
from engines.evaluation import in_parts
from engines.layers.jax import Layers
from engines.networks import every, has_convolutions
from engines.networks.kinds import CausalAttention, Gru, Lstm
from engines.optimizers import ADAM_BETAS, ADAM_EPSILON

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, Samples, Setup, TrainingData, Weights


class Engine:
    layers_type = Layers

    def __init__(self, setup: Setup) -> None:
        self._jax = backends.start(setup, "jax")
        self._setup = setup
        self._layers = networks.layers(setup.network, setup.sample)
        self._known = networks.parameters_of(setup.network, setup.sample)
        self._tuned = setup.track == "tuned"
        # On a CPU, XLA does not hand convolutions inside of a loop to its fast kernels.
        self._scans = self._tuned and (not has_convolutions(self._layers) or setup.device == "gpu")
        self._model = self.layers_type(self._jax, self._layers, tuned=self._tuned, on_gpu=setup.device == "gpu")
        self._optimizer = optimizers.kind(setup.optimizer)
        self._losses: list[Any] = []

    def build(self, weights: Weights, data: TrainingData) -> None:
        jnp, dtype = self._jax.numpy, self._setup.dtype
        self._parameters = [jnp.asarray(weight, dtype) for weight in weights]
        self._moments = self._first_moments()
        self._data = (jnp.asarray(self._as_fed(data.train_inputs)), jnp.asarray(data.train_labels))
        self._test = (data.test_inputs, data.test_labels)

    def compile(self) -> None:
        jax = self._jax
        self._evaluate = jax.jit(self._evaluate_batch)
        self._ask = jax.jit(self._probabilities)
        if self._setup.task == "infer":
            return
        batches = self._batches(np.arange(len(self._data[1])))
        donated = (0, 1) if self._tuned else ()
        self._run = jax.jit(self._train_steps if self._scans else self._train_step, donate_argnums=donated)
        # A call finds what is compiled here. What `compile` returns could be called as well, 2 microseconds slower.
        first = batches if self._scans else batches[0]
        self._run.lower(self._parameters, self._moments, *self._data, first).compile()

    def train_epoch(self, order: NDArray[np.int64]) -> None:
        batches = self._batches(order)
        if self._scans:
            self._parameters, self._moments, self._losses = self._run(
                self._parameters, self._moments, *self._data, batches
            )
            return
        self._losses = []
        for batch in batches:  # an array of NumPy's, as a data loader would give it
            self._parameters, self._moments, loss = self._run(self._parameters, self._moments, *self._data, batch)
            self._losses.append(loss)

    def synchronize(self) -> None:
        self._jax.block_until_ready((self._parameters, self._moments, self._losses))

    def step_losses(self) -> list[float]:
        self._losses = [float(loss) for loss in self._jax.device_get(self._losses)]
        return self._losses

    def weights(self) -> Weights:
        return [np.array(parameter) for parameter in self._parameters]

    def predict(self, inputs: Samples) -> Array:
        return np.asarray(self._ask(self._parameters, self._as_fed(inputs)))

    def evaluate(self) -> Evaluation:
        inputs, labels = self._test
        return in_parts(lambda *part: self._evaluate(self._parameters, *part), self._as_fed(inputs), labels)

    def settings(self) -> Mapping[str, str]:
        own = {"jax.jit": "one per call"} if self._setup.task == "infer" else self._settings_of_training()
        return {
            **own,
            "max_pool": "max over reshaped axes" if self._tuned else "lax.reduce_window",
            **self._layer_settings(),
            "XLA_FLAGS": os.environ.get("XLA_FLAGS", "not set"),
            "jax_enable_x64": str(self._jax.config.jax_enable_x64),
            "jax_default_matmul_precision": str(self._jax.config.jax_default_matmul_precision),
        }

    def _settings_of_training(self) -> dict[str, str]:
        return {
            "jax.jit": "one lax.scan per epoch" if self._scans else "one per step",
            "donate_argnums": "the parameters" if self._tuned else "none",
        }

    def _layer_settings(self) -> dict[str, str]:
        kinds = {type(layer) for layer in every(self._layers)}
        found = {}
        if kinds & {Lstm, Gru}:
            in_one = self._tuned and self._setup.device == "gpu"
            found["recurrent layers"] = f"lax.scan over the steps, input products {'in one' if in_one else 'in each'}"
        if CausalAttention in kinds:
            found["attention"] = "jax.nn.dot_product_attention, is_causal"
        return found

    def _as_fed(self, inputs: Samples) -> Samples:
        return inputs if np.issubdtype(inputs.dtype, np.integer) else inputs.astype(self._setup.dtype, copy=False)

    def _batches(self, order: NDArray[np.int64]) -> NDArray[np.int32]:
        size = self._setup.batch_size
        steps = len(order) // size
        return order[: steps * size].reshape(steps, size).astype(np.int32)

    def _train_steps(self, parameters: Any, moments: Any, inputs: Any, labels: Any, batches: Any) -> tuple[Any, ...]:
        def step(state: Any, batch: Any) -> tuple[Any, Any]:
            parameters, moments, loss = self._train_step(state[0], state[1], inputs, labels, batch)
            return (parameters, moments), loss

        (parameters, moments), losses = self._jax.lax.scan(step, (parameters, moments), batches)
        return parameters, moments, losses

    def _train_step(self, parameters: Any, moments: Any, inputs: Any, labels: Any, batch: Any) -> tuple[Any, ...]:
        """One step on the samples of these numbers; returns the loss before it, too."""
        differentiated = self._jax.value_and_grad(self._mean_loss, has_aux=True)
        (loss, seen), slopes = differentiated(parameters, inputs[batch], labels[batch])
        changes, moments = self._changes(slopes, moments)
        parameters = [
            value - change if known.is_trained else statistic
            for known, value, change, statistic in zip(self._known, parameters, changes, seen, strict=True)
        ]
        return parameters, moments, loss

    def _first_moments(self) -> Any:
        zeros = [self._jax.numpy.zeros_like(each) for each in self._parameters]
        if self._optimizer == "adam":
            return self._jax.numpy.zeros((), "int32"), zeros, [each.copy() for each in zeros]
        return zeros if self._optimizer == "momentum" else ()

    def _changes(self, slopes: list[Any], moments: Any) -> tuple[list[Any], Any]:
        """What each parameter loses in this step, and the optimizer's memory after it."""
        rate = self._setup.optimizer.learning_rate
        if self._optimizer == "adam":
            return self._adam(slopes, *moments)
        if self._optimizer == "momentum":
            kept = self._setup.optimizer.momentum
            slopes = moments = [kept * before + slope for before, slope in zip(moments, slopes, strict=True)]
        return [rate * slope for slope in slopes], moments

    def _adam(self, slopes: list[Any], steps: Any, means: list[Any], squares: list[Any]) -> tuple[list[Any], Any]:
        rate, (first, second) = self._setup.optimizer.learning_rate, ADAM_BETAS
        steps = steps + 1
        means = [first * mean + (1 - first) * slope for mean, slope in zip(means, slopes, strict=True)]
        squares = [second * square + (1 - second) * slope**2 for square, slope in zip(squares, slopes, strict=True)]
        time = steps.astype(self._setup.dtype)
        of_mean, of_square = 1 - first**time, 1 - second**time
        root = self._jax.numpy.sqrt
        changes = [
            rate * (mean / of_mean) / (root(square / of_square) + ADAM_EPSILON)
            for mean, square in zip(means, squares, strict=True)
        ]
        return changes, (steps, means, squares)

    def _mean_loss(self, parameters: list[Any], inputs: Any, labels: Any) -> tuple[Any, Any]:
        logits, seen = self._model.forward(parameters, inputs, training=True)
        return self._sample_losses(logits, labels).mean(), seen

    def _evaluate_batch(self, parameters: list[Any], inputs: Any, labels: Any) -> tuple[Any, Any]:
        logits, _ = self._model.forward(parameters, inputs, training=False)
        return self._sample_losses(logits, labels).sum(), (logits.argmax(axis=-1) == labels).sum()

    def _probabilities(self, parameters: list[Any], inputs: Any) -> Any:
        return self._jax.nn.softmax(self._model.forward(parameters, inputs, training=False)[0])

    def _sample_losses(self, logits: Any, labels: Any) -> Any:
        likelihoods = self._jax.nn.log_softmax(logits)
        return -self._jax.numpy.take_along_axis(likelihoods, labels[..., None], axis=-1)
