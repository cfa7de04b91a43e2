"""TensorFlow 2: a loop over a `tf.function` step with a gradient tape, as its guide teaches; tuned, one per epoch."""

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
        self._tf = backends.start(setup, "tensorflow")
        self._setup = setup
        self._layers = networks.layers(setup.network, setup.sample)
        self._tuned = setup.track == "tuned"
        # XLA makes convolutions on a CPU several times slower.
        self._uses_xla = self._tuned and (not has_convolutions(self._layers) or setup.device == "gpu")
        self._forward = supported(self._layers, {Convolution: self._convolution, Dense: self._dense}, "TensorFlow")
        optimizers.supported(setup.optimizer, ["sgd"], "TensorFlow")
        self._losses: Any = []

    def build(self, weights: Weights, data: TrainingData) -> None:
        tf, dtype = self._tf, self._setup.dtype
        self._variables = [tf.Variable(weight, dtype=dtype) for weight in weights]
        self._inputs = tf.constant(data.train_inputs, dtype=dtype)
        self._labels = tf.constant(data.train_labels)
        self._test = (data.test_inputs, data.test_labels)

    def compile(self) -> None:
        tf = self._tf
        size = self._setup.batch_size
        if self._tuned:
            self._epoch = tf.function(self._train_steps, jit_compile=self._uses_xla)
            # XLA compiles at the first call: one of no steps.
            self._epoch(tf.zeros([len(self._labels) // size, size], tf.int64), tf.constant(0))
        else:
            self._step = tf.function(self._train_step)
            self._step.get_concrete_function(tf.TensorSpec([size], tf.int64))
        self._evaluate = tf.function(self._evaluate_batch, reduce_retracing=True)

    def train_epoch(self, order: NDArray[np.int64]) -> None:
        size = self._setup.batch_size
        steps = len(order) // size
        batches = self._tf.constant(order[: steps * size].reshape(steps, size))
        if self._tuned:
            self._losses = self._epoch(batches, self._tf.constant(steps))
        else:
            self._losses = [self._step(batch) for batch in self._tf.unstack(batches)]

    def synchronize(self) -> None:
        self._tf.test.experimental.sync_devices()

    def step_losses(self) -> list[float]:
        self._losses = [float(loss) for loss in self._losses]
        return self._losses  # type: ignore[no-any-return]

    def weights(self) -> Weights:
        return [variable.numpy() for variable in self._variables]

    def evaluate(self) -> Evaluation:
        def evaluate(inputs: Any, labels: Any) -> tuple[Any, Any]:
            found: tuple[Any, Any] = self._evaluate(self._tf.constant(inputs, self._setup.dtype), labels)
            return found

        return in_parts(evaluate, *self._test)

    def settings(self) -> Mapping[str, str]:
        threading = self._tf.config.threading
        return {
            "tf.function": "one per epoch, tf.range inside" if self._tuned else "one per step",
            "jit_compile": str(self._uses_xla),
            "TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "not set"),
            "intra_op_parallelism_threads": str(threading.get_intra_op_parallelism_threads()),
            "inter_op_parallelism_threads": str(threading.get_inter_op_parallelism_threads()),
            "tensor_float_32": str(self._tf.config.experimental.tensor_float_32_execution_enabled()),
        }

    def _train_steps(self, batches: Any, steps: Any) -> Any:
        """An epoch, or its first steps; AutoGraph turns this loop into one of the graph."""
        losses = self._tf.TensorArray(self._setup.dtype, len(batches))
        for step in self._tf.range(steps):
            losses = losses.write(step, self._train_step(batches[step]))
        return losses.stack()

    def _train_step(self, batch: Any) -> Any:
        """One step of plain SGD on the samples of these numbers; returns their loss before it."""
        tf = self._tf
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(self._sample_losses(tf.gather(self._inputs, batch), tf.gather(self._labels, batch)))
        gradients = tape.gradient(loss, self._variables)
        for variable, gradient in zip(self._variables, gradients, strict=True):
            variable.assign_sub(self._setup.optimizer.learning_rate * gradient)
        return loss

    def _evaluate_batch(self, inputs: Any, labels: Any) -> tuple[Any, Any]:
        tf = self._tf
        correct = tf.equal(tf.argmax(self._logits(inputs), axis=1), labels)
        return tf.reduce_sum(self._sample_losses(inputs, labels)), tf.math.count_nonzero(correct)

    def _sample_losses(self, inputs: Any, labels: Any) -> Any:
        return self._tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=self._logits(inputs))

    def _logits(self, activations: Any) -> Any:
        for layer, own in by_layer(self._layers, self._variables):
            activations = self._forward[type(layer)](layer, activations, *own)
        return activations

    def _dense(self, layer: Dense, activations: Any, kernel: Any, bias: Any) -> Any:
        tf = self._tf
        outputs = tf.matmul(tf.reshape(activations, [-1, kernel.shape[0]]), kernel) + bias
        return tf.nn.relu(outputs) if layer.relu else outputs

    def _convolution(self, layer: Convolution, images: Any, kernel: Any, bias: Any) -> Any:
        tf = self._tf
        convolved = tf.nn.conv2d(images, kernel, strides=1, padding="VALID")
        return tf.nn.max_pool2d(tf.nn.relu(tf.nn.bias_add(convolved, bias)), POOL, POOL, "VALID")
