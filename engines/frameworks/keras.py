"""Keras 2.3 on Theano, Keras 3 on TensorFlow, JAX and PyTorch: `Sequential`, `compile`, one `fit`.

Idiomatic, all is as Keras sets it by default. Tuned, `_compile_choices`, `_image_format`, `_placed` and, for Theano,
`compile` say what differs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from engines import backends, networks, registry
from engines.contract import Evaluation
from engines.networks import KERNEL, POOL, Convolution, Layer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, EpochClock, Setup, TrainingData, Weights

_EVALUATION_BATCH = 1000
_IMAGE_AXES = 4  # sample, height, width, channel
_KERNEL_AXES = 4  # height, width, in, out
_SMALLEST_PROBABILITY = 1e-7  # Keras' own epsilon


class Engine:
    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._backend = registry.find(setup.engine).backend
        self._framework = backends.start(setup, self._backend)
        import keras

        self._keras = keras
        self._is_keras_2 = keras.__version__.startswith("2.")
        self._layers = networks.layers(setup.network, setup.sample)
        self._losses: list[float] = []
        self._tuned = setup.track == "tuned"
        self._array_adapter = _find_array_adapter(self._backend)
        if setup.dtype == "float64" and self._backend == "torch":
            _allow_float64()
        keras.backend.set_floatx(setup.dtype)
        keras.backend.set_image_data_format(self._image_format)

    def build(self, weights: Weights, data: TrainingData) -> None:
        self._model = self._keras.models.Sequential(self._keras_layers())
        self._model.set_weights(self._turned(weights))
        optimizer = self._keras.optimizers.SGD(learning_rate=self._setup.learning_rate)
        self._choices = self._compile_choices(len(data.train_labels)) if self._tuned else {}
        self._model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", **self._choices)
        self._train = (self._placed(self._as_fed(data.train_inputs)), self._placed(data.train_labels))
        self._test = (self._as_fed(data.test_inputs), data.test_labels)

    def compile(self) -> None:
        if self._is_keras_2:
            self._model._make_train_function()
            # What Keras hands over has the right types, once the labels have: no need to look at it in each step.
            self._model.train_function.function.trust_input = self._tuned
            self._model._make_predict_function()
        else:
            self._model.make_train_function()

    def train_epoch(self, order: NDArray[np.int64]) -> None:
        inputs, labels = self._train
        size = self._setup.batch_size
        batches = order[: len(order) // size * size].reshape(-1, size)
        self._losses = [float(self._model.train_on_batch(inputs[batch], labels[batch])) for batch in batches]

    def fit(self, clock: EpochClock, *, seed: int, epoch_limit: int) -> None:
        self._seed(seed)
        callback = _clock_callback(self._keras, self, clock)
        self._model.fit(**self._fed_data(), epochs=epoch_limit, verbose=0, callbacks=[callback])

    def synchronize(self) -> None:
        if self._backend == "tensorflow":
            self._framework.test.experimental.sync_devices()
        elif self._backend == "jax":
            self._framework.block_until_ready([variable.value for variable in self._model.variables])
        elif self._backend == "torch":
            if self._setup.device == "gpu":
                self._framework.cuda.synchronize()
        elif self._setup.device == "gpu":
            for variable in self._model.weights:
                variable.get_value(borrow=True, return_internal_type=True).sync()

    def step_losses(self) -> list[float]:
        return self._losses

    def weights(self) -> Weights:
        return self._turned([np.asarray(weight) for weight in self._model.get_weights()])

    def evaluate(self) -> Evaluation:
        inputs, labels = self._test
        probabilities = self._model.predict(inputs, batch_size=_EVALUATION_BATCH, verbose=0)
        of_label = probabilities[np.arange(len(labels)), labels]
        loss = -np.log(np.maximum(of_label, _SMALLEST_PROBABILITY)).mean()
        return Evaluation(float(loss), float(np.mean(probabilities.argmax(axis=1) == labels)))

    def settings(self) -> Mapping[str, str]:
        shared = {"backend": self._backend, "image_data_format": self._image_format}
        if self._is_keras_2:
            trusts = str(self._model.train_function.function.trust_input)
            return {**shared, "trust_input": trusts, "allow_gc": str(self._framework.config.allow_gc)}
        jit = str(self._model.jit_compile)
        shared["jit_compile"] = jit if "jit_compile" in self._choices else f"auto ({jit})"
        shared["steps_per_execution"] = str(self._model.steps_per_execution)
        shared["training data"] = type(self._train[0]).__module__.partition(".")[0] + " arrays"
        return {**shared, **self._backend_settings()}

    def _backend_settings(self) -> dict[str, str]:
        framework = self._framework
        if self._backend == "tensorflow":
            autotune = "as it is" if self._array_adapter is None else "off"
            onednn = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "not set")
            return {"tf.data autotune": autotune, "TF_ENABLE_ONEDNN_OPTS": onednn}
        if self._backend == "torch":
            return {"num_threads": str(framework.get_num_threads())}
        precision = str(framework.config.jax_default_matmul_precision)
        return {"XLA_FLAGS": os.environ.get("XLA_FLAGS", "not set"), "jax_default_matmul_precision": precision}

    def _compile_choices(self, samples: int) -> dict[str, Any]:
        """What `compile` is told when tuned, by what was measured: see docs/engines/."""
        if self._backend == "torch":  # which refuses more than one step per execution
            compiles = self._setup.network.type == "mlp" or self._setup.device == "gpu"
            return {"jit_compile": True} if compiles else {}
        return {} if self._is_keras_2 else {"steps_per_execution": samples // self._setup.batch_size}

    def _placed(self, array: Any) -> Any:
        """Tuned, the training data is what the backend makes of it, where it is used, if that makes `fit` faster."""
        on_gpu = self._setup.device == "gpu"
        if self._tuned and self._backend == "torch":
            return self._framework.as_tensor(array, device="cuda" if on_gpu else "cpu")
        if self._tuned and self._backend == "jax" and on_gpu:
            return self._framework.numpy.asarray(array)
        if self._tuned and self._is_keras_2:
            return array.astype(self._setup.dtype, copy=False)
        return array

    @property
    def _image_format(self) -> str:
        """Keras 3's default, except on Theano, which knows no other, and for PyTorch tuned, whose own order it is."""
        native_first = self._backend == "theano" or (self._tuned and self._backend == "torch")
        return "channels_first" if native_first else "channels_last"

    def _turned(self, weights: Weights) -> Weights:
        """Keras on Theano convolves where the others correlate: turn its kernels by 180 degrees, there and back."""
        if self._backend != "theano":
            return weights
        return [weight[::-1, ::-1].copy() if weight.ndim == _KERNEL_AXES else weight for weight in weights]

    def _as_fed(self, inputs: Array) -> Array:
        inputs = inputs.astype(self._setup.dtype, copy=False)
        if inputs.ndim == _IMAGE_AXES and self._image_format == "channels_first":
            return np.ascontiguousarray(inputs.transpose(0, 3, 1, 2))
        return inputs

    def _keras_layers(self) -> list[Any]:
        input_layer = self._keras.layers.InputLayer
        shape = self._input_shape()
        keras_layers = [input_layer(input_shape=shape) if self._is_keras_2 else self._keras.Input(shape)]
        previous: Layer | None = None
        for layer in self._layers:
            keras_layers += self._keras_layer(layer, after_convolution=isinstance(previous, Convolution))
            previous = layer
        return keras_layers

    def _input_shape(self) -> tuple[int, ...]:
        shape = networks.input_shape(self._setup.network, self._setup.sample)
        if len(shape) == _IMAGE_AXES - 1 and self._image_format == "channels_first":
            return (shape[2], *shape[:2])
        return shape

    def _keras_layer(self, layer: Layer, *, after_convolution: bool) -> list[Any]:
        layers = self._keras.layers
        activation = "relu" if isinstance(layer, Convolution) or layer.relu else "softmax"
        # The weights are set right afterwards; zeros spare Theano the compilation of a random generator.
        choices = {"activation": activation, "kernel_initializer": "zeros"}
        if isinstance(layer, Convolution):
            return [layers.Conv2D(layer.filters, KERNEL, **choices), layers.MaxPooling2D(POOL)]
        dense = layers.Dense(layer.units, **choices)
        # Keras' Flatten gives (height, width, channel) order in either image format.
        return [layers.Flatten(), dense] if after_convolution else [dense]

    def _seed(self, seed: int) -> None:
        if self._is_keras_2:
            np.random.seed(seed % 2**32)  # Keras 2 shuffles with this generator
        else:
            self._keras.utils.set_random_seed(seed % 2**32)

    def _fed_data(self) -> dict[str, Any]:
        """`fit`'s arguments for data and batches. `fit` cannot drop a short last batch, so its samples are left out."""
        size = self._setup.batch_size
        inputs, labels = self._train
        used = len(labels) // size * size
        arguments = {"x": inputs[:used], "y": labels[:used], "batch_size": size, "shuffle": True}
        if self._array_adapter is None:
            return arguments
        return {"x": _without_autotune(self._framework, self._array_adapter)(**arguments)}


def _allow_float64() -> None:
    """For the gate alone: off TensorFlow, Keras' rules of promotion make float32 of float64, in PyTorch's products too.

    Where Keras keeps its rules elsewhere, the gate's check in float64 fails and says by how much.
    """
    with suppress(ImportError):
        from keras.src.backend.common import dtypes

        dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"


def _find_array_adapter(backend: str) -> Any:
    """What turns `fit`'s arrays into a tf.data pipeline; None on other backends, or if it is not where we look."""
    if backend != "tensorflow":
        return None
    try:
        from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter
    except ImportError:
        return None
    return ArrayDataAdapter


def _without_autotune(tensorflow: Any, array_adapter: Any) -> Any:
    """The adapter that `fit` itself uses for arrays, its pipeline unchanged but for tf.data's autotuning.

    Autotuning stalls the end of some epochs, idle, for up to seconds: no time of Keras, or of anyone's network.
    """

    class CalmArrays(array_adapter):  # type: ignore[misc]
        def get_tf_dataset(self) -> Any:
            options = tensorflow.data.Options()
            options.autotune.enabled = False
            return super().get_tf_dataset().with_options(options)

    return CalmArrays


def _clock_callback(keras: Any, engine: Engine, clock: EpochClock) -> Any:
    class ClockCallback(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            clock.begin_epoch()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            engine.synchronize()
            if clock.end_epoch(float(logs["loss"])):
                self.model.stop_training = True

    return ClockCallback()
