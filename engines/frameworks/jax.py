"""JAX: a jitted step of SGD over `jax.value_and_grad`, as its guide teaches; tuned, the epoch is one `lax.scan`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engines import backends, networks, optimizers
from engines.contract import Evaluation
from engines.evaluation import in_parts
from engines.networks import POOL, Convolution, Dense, by_layer, has_convolutions, supported

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Setup, TrainingData, Weights


class Engine:
    def __init__(self, setup: Setup) -> None:
        self._jax = backends.start(setup, "jax")
        self._setup = setup
        self._layers = networks.layers(setup.network, setup.sample)
        self._tuned = setup.track == "tuned"
        # On a CPU, XLA does not hand convolutions inside of a loop to its fast kernels.
        self._scans = self._tuned and (not has_convolutions(self._layers) or setup.device == "gpu")
        self._forward = supported(self._layers, {Convolution: self._convolution, Dense: self._dense}, "JAX")
        optimizers.supported(setup.optimizer, ["sgd"], "JAX")
        self._losses: list[Any] = []

    def build(self, weights: Weights, data: TrainingData) -> None:
        jnp, dtype = self._jax.numpy, self._setup.dtype
        self._parameters = [jnp.asarray(weight, dtype) for weight in weights]
        self._data = (jnp.asarray(data.train_inputs, dtype), jnp.asarray(data.train_labels))
        self._test = (data.test_inputs, data.test_labels)

    def compile(self) -> None:
        jax = self._jax
        batches = self._batches(np.arange(len(self._data[1])))
        donated = (0,) if self._tuned else ()
        self._run = jax.jit(self._train_steps if self._scans else self._train_step, donate_argnums=donated)
        # A call finds what is compiled here. What `compile` returns could be called as well, 2 microseconds slower.
        self._run.lower(self._parameters, *self._data, batches if self._scans else batches[0]).compile()
        self._evaluate = jax.jit(self._evaluate_batch)

    def train_epoch(self, order: NDArray[np.int64]) -> None:
        batches = self._batches(order)
        if self._scans:
            self._parameters, self._losses = self._run(self._parameters, *self._data, batches)
            return
        self._losses = []
        for batch in batches:  # an array of NumPy's, as a data loader would give it
            self._parameters, loss = self._run(self._parameters, *self._data, batch)
            self._losses.append(loss)

    def synchronize(self) -> None:
        self._jax.block_until_ready((self._parameters, self._losses))

    def step_losses(self) -> list[float]:
        self._losses = [float(loss) for loss in self._jax.device_get(self._losses)]
        return self._losses

    def weights(self) -> Weights:
        return [np.array(parameter) for parameter in self._parameters]

    def evaluate(self) -> Evaluation:
        inputs, labels = self._test
        inputs = inputs.astype(self._setup.dtype, copy=False)
        return in_parts(lambda *part: self._evaluate(self._parameters, *part), inputs, labels)

    def settings(self) -> Mapping[str, str]:
        return {
            "jax.jit": "one lax.scan per epoch" if self._scans else "one per step",
            "donate_argnums": "the parameters" if self._tuned else "none",
            "max_pool": "max over reshaped axes" if self._tuned else "lax.reduce_window",
            "XLA_FLAGS": os.environ.get("XLA_FLAGS", "not set"),
            "jax_enable_x64": str(self._jax.config.jax_enable_x64),
            "jax_default_matmul_precision": str(self._jax.config.jax_default_matmul_precision),
        }

    def _batches(self, order: NDArray[np.int64]) -> NDArray[np.int32]:
        size = self._setup.batch_size
        steps = len(order) // size
        return order[: steps * size].reshape(steps, size).astype(np.int32)

    def _train_steps(self, parameters: list[Any], inputs: Any, labels: Any, batches: Any) -> tuple[list[Any], Any]:
        def step(parameters: list[Any], batch: Any) -> tuple[list[Any], Any]:
            return self._train_step(parameters, inputs, labels, batch)

        return self._jax.lax.scan(step, parameters, batches)  # type: ignore[no-any-return]

    def _train_step(self, parameters: list[Any], inputs: Any, labels: Any, batch: Any) -> tuple[list[Any], Any]:
        """One step of plain SGD on the samples of these numbers; returns the loss before it, too."""
        loss, gradients = self._jax.value_and_grad(self._mean_loss)(parameters, inputs[batch], labels[batch])
        rate = self._setup.optimizer.learning_rate
        return [value - rate * slope for value, slope in zip(parameters, gradients, strict=True)], loss

    def _mean_loss(self, parameters: list[Any], inputs: Any, labels: Any) -> Any:
        return self._sample_losses(self._logits(parameters, inputs), labels).mean()

    def _evaluate_batch(self, parameters: list[Any], inputs: Any, labels: Any) -> tuple[Any, Any]:
        logits = self._logits(parameters, inputs)
        return self._sample_losses(logits, labels).sum(), (logits.argmax(axis=1) == labels).sum()

    def _sample_losses(self, logits: Any, labels: Any) -> Any:
        likelihoods = self._jax.nn.log_softmax(logits)
        return -self._jax.numpy.take_along_axis(likelihoods, labels[:, None], axis=1)

    def _logits(self, parameters: list[Any], activations: Any) -> Any:
        for layer, own in by_layer(self._layers, parameters):
            activations = self._forward[type(layer)](layer, activations, *own)
        return activations

    def _dense(self, layer: Dense, activations: Any, kernel: Any, bias: Any) -> Any:
        outputs = activations.reshape(len(activations), -1) @ kernel + bias
        return self._jax.nn.relu(outputs) if layer.relu else outputs

    def _convolution(self, layer: Convolution, images: Any, kernel: Any, bias: Any) -> Any:
        layout = ("NHWC", "HWIO", "NHWC")
        convolved = self._jax.lax.conv_general_dilated(images, kernel, (1, 1), "VALID", dimension_numbers=layout)
        return self._max_pool(self._jax.nn.relu(convolved + bias))

    def _max_pool(self, images: Any) -> Any:
        if self._tuned:
            samples, height, width, maps = images.shape
            return images.reshape(samples, height // POOL, POOL, width // POOL, POOL, maps).max(axis=(2, 4))
        lowest, window = -self._jax.numpy.inf, (1, POOL, POOL, 1)
        return self._jax.lax.reduce_window(images, lowest, self._jax.lax.max, window, window, "VALID")
