"""TensorFlow 2: a loop over a `tf.function` step with a gradient tape, as its guide teaches; tuned, one per epoch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engines import backends, networks, optimizers
from engines.contract import Evaluation
from engines.evaluation import in_parts
from engines.layers.tensorflow import Layers
from engines.networks import every, has_convolutions
from engines.networks.kinds import BatchNormalisation, CausalAttention, Gru, Lstm
from engines.optimizers import ADAM_BETAS, ADAM_EPSILON

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, Samples, Setup, TrainingData, Weights


class Engine:
    layers_type = Layers

    def __init__(self, setup: Setup) -> None:
        self._tf = backends.start(setup, "tensorflow")
        self._setup = setup
        self._layers = networks.layers(setup.network, setup.sample)
        self._tuned = setup.track == "tuned"
        # XLA makes convolutions on a CPU several times slower.
        self._uses_xla = self._tuned and (not has_convolutions(self._layers) or setup.device == "gpu")
        self._model = self.layers_type(self._tf, self._layers, tuned=self._tuned, dtype=setup.dtype)
        self._optimizer = optimizers.kind(setup.optimizer)
        self._losses: Any = []

    def build(self, weights: Weights, data: TrainingData) -> None:
        tf, dtype = self._tf, self._setup.dtype
        self._variables = [tf.Variable(weight, dtype=dtype) for weight in weights]
        known = networks.parameters_of(self._setup.network, self._setup.sample)
        self._trained = [each for each, one in zip(self._variables, known, strict=True) if one.is_trained]
        self._moments = self._new_moments()
        self._inputs = tf.constant(self._as_fed(data.train_inputs))
        self._labels = tf.constant(data.train_labels)
        self._test = (data.test_inputs, data.test_labels)

    def compile(self) -> None:
        tf = self._tf
        self._evaluate = tf.function(self._evaluate_batch, reduce_retracing=True)
        self._ask = tf.function(self._probabilities, jit_compile=self._uses_xla)
        if self._setup.task == "train":
            self._compile_training()

    def _compile_training(self) -> None:
        tf = self._tf
        size = self._setup.batch_size
        if self._tuned:
            self._epoch = tf.function(self._train_steps, jit_compile=self._uses_xla)
            # XLA compiles at the first call: one of no steps.
            self._epoch(tf.zeros([len(self._labels) // size, size], tf.int64), tf.constant(0))
        else:
            self._step = tf.function(self._train_step)
            self._step.get_concrete_function(tf.TensorSpec([size], tf.int64))

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

    def predict(self, inputs: Samples) -> Array:
        return self._ask(self._tf.constant(self._as_fed(inputs))).numpy()  # type: ignore[no-any-return]

    def evaluate(self) -> Evaluation:
        def evaluate(inputs: Any, labels: Any) -> tuple[Any, Any]:
            found: tuple[Any, Any] = self._evaluate(self._tf.constant(self._as_fed(inputs)), labels)
            return found

        return in_parts(evaluate, *self._test)

    def settings(self) -> Mapping[str, str]:
        threading = self._tf.config.threading
        return {
            "tf.function": self._function_words(),
            "jit_compile": str(self._uses_xla),
            **self._layer_settings(),
            "TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "not set"),
            "intra_op_parallelism_threads": str(threading.get_intra_op_parallelism_threads()),
            "inter_op_parallelism_threads": str(threading.get_inter_op_parallelism_threads()),
            "tensor_float_32": str(self._tf.config.experimental.tensor_float_32_execution_enabled()),
        }

    def _function_words(self) -> str:
        if self._setup.task == "infer":
            return "one per call"
        return "one per epoch, tf.range inside" if self._tuned else "one per step"

    def _layer_settings(self) -> dict[str, str]:
        kinds, found = {type(layer) for layer in every(self._layers)}, {}
        if kinds & {Lstm, Gru}:
            found["recurrent layers"] = "tf.scan over the steps"
        if BatchNormalisation in kinds:
            fused = self._tuned and self._setup.dtype == "float32"
            found["batch normalisation"] = "FusedBatchNormV3" if fused else "tf.nn.moments, tf.nn.batch_normalization"
        if CausalAttention in kinds:
            found["attention"] = "matmul, softmax"
        if self._optimizer != "sgd" and self._setup.task == "train":
            found["optimizer"] = "ResourceApplyAdam" if self._optimizer == "adam" else "ResourceApplyMomentum"
        return found

    def _as_fed(self, inputs: Samples) -> Samples:
        return inputs if np.issubdtype(inputs.dtype, np.integer) else inputs.astype(self._setup.dtype, copy=False)

    # ------------------------------------------------------------ steps

    def _train_steps(self, batches: Any, steps: Any) -> Any:
        """An epoch, or its first steps; AutoGraph turns this loop into one of the graph."""
        losses = self._tf.TensorArray(self._setup.dtype, len(batches))
        for step in self._tf.range(steps):
            losses = losses.write(step, self._train_step(batches[step]))
        return losses.stack()

    def _train_step(self, batch: Any) -> Any:
        """One step on the samples of these numbers; returns their loss before it."""
        tf = self._tf
        with tf.GradientTape() as tape:
            logits = self._model.forward(self._variables, tf.gather(self._inputs, batch), training=True)
            loss = tf.reduce_mean(self._sample_losses(logits, tf.gather(self._labels, batch)))
        self._update([tf.convert_to_tensor(each) for each in tape.gradient(loss, self._trained)])
        return loss

    def _update(self, gradients: list[Any]) -> None:
        if self._optimizer == "adam":
            self._update_by_adam(gradients)
        elif self._optimizer == "momentum":
            self._update_by_momentum(gradients)
        else:
            for variable, gradient in zip(self._trained, gradients, strict=True):
                variable.assign_sub(self._setup.optimizer.learning_rate * gradient)

    def _update_by_momentum(self, gradients: list[Any]) -> None:
        """TensorFlow's one kernel."""
        rate, momentum = self._constants(self._setup.optimizer.learning_rate, self._setup.optimizer.momentum)
        for variable, gradient, kept in zip(self._trained, gradients, self._moments[0], strict=True):
            self._tf.raw_ops.ResourceApplyMomentum(
                var=variable.handle, accum=kept.handle, lr=rate, grad=gradient, momentum=momentum
            )

    def _update_by_adam(self, gradients: list[Any]) -> None:
        """TensorFlow's one kernel; it is told the powers of the betas, which are kept beside."""
        rate, first, second, epsilon = self._constants(self._setup.optimizer.learning_rate, *ADAM_BETAS, ADAM_EPSILON)
        means, squares, (of_first, of_second) = self._moments
        constants = {"lr": rate, "beta1": first, "beta2": second, "epsilon": epsilon}
        powers = {"beta1_power": of_first.read_value(), "beta2_power": of_second.read_value()}
        for variable, gradient, mean, square in zip(self._trained, gradients, means, squares, strict=True):
            self._tf.raw_ops.ResourceApplyAdam(
                var=variable.handle, m=mean.handle, v=square.handle, grad=gradient, **constants, **powers
            )
        of_first.assign(of_first * first)
        of_second.assign(of_second * second)

    def _constants(self, *values: float) -> list[Any]:
        return [self._tf.constant(value, self._setup.dtype) for value in values]

    def _new_moments(self) -> list[list[Any]]:
        """What the optimizer remembers."""
        tf = self._tf
        sets = {"sgd": 0, "momentum": 1, "adam": 2}[self._optimizer]
        moments = [[tf.Variable(tf.zeros_like(each)) for each in self._trained] for _ in range(sets)]
        powers = [tf.Variable(beta, dtype=self._setup.dtype) for beta in ADAM_BETAS]
        return [*moments, powers] if self._optimizer == "adam" else moments

    # ------------------------------------------------------------ answers

    def _evaluate_batch(self, inputs: Any, labels: Any) -> tuple[Any, Any]:
        tf, logits = self._tf, self._model.forward(self._variables, inputs, training=False)
        correct = tf.equal(tf.argmax(logits, axis=-1), labels)
        return tf.reduce_sum(self._sample_losses(logits, labels)), tf.math.count_nonzero(correct)

    def _probabilities(self, inputs: Any) -> Any:
        return self._tf.nn.softmax(self._model.forward(self._variables, inputs, training=False))

    def _sample_losses(self, logits: Any, labels: Any) -> Any:
        return self._tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
