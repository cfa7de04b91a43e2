"""Keras 2.3 on Theano, Keras 3 on TensorFlow, JAX and PyTorch: `Sequential`, `compile`, one `fit`.

Idiomatic, all is as Keras sets it by default. Tuned, `compile` and what the backend's file says of Keras differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from engines import backends, networks, optimizers, registry
from engines.contract import Evaluation
from engines.layers.keras import Layers
from engines.networks import every, has_convolutions
from engines.networks.kinds import CausalAttention, Gru, Lstm
from engines.optimizers import ADAM_BETAS, ADAM_EPSILON

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, EpochClock, Samples, Setup, TrainingData, Weights

_EVALUATION_BATCH = 1000
_IMAGE_AXES = 4  # sample, height, width, channel
_SMALLEST_PROBABILITY = 1e-7  # Keras' own epsilon
# What Keras itself does on one backend alone:
_FEEDS_BY_TF_DATA = "tensorflow"
_PROMOTE_TO_FLOAT32 = ("jax", "torch")


class Engine:
    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._backend = registry.find(setup.engine).backend
        self._on = backends.of(self._backend)
        self._framework = backends.start(setup, self._backend)
        import keras

        self._keras = keras
        self._is_keras_2 = keras.__version__.startswith("2.")
        self._layers = networks.layers(setup.network, setup.sample)
        self._takes_tokens = networks.of_type(setup.network.type).takes == "tokens"
        self._losses: list[float] = []
        self._tuned = setup.track == "tuned"
        self._array_adapter = _find_array_adapter(self._backend)
        if setup.dtype == "float64" and self._backend in _PROMOTE_TO_FLOAT32:
            _allow_float64()
        keras.backend.set_floatx(setup.dtype)
        if self._is_keras_2:
            self._framework.config.floatX = setup.dtype  # as Keras 2 set it to float32 when it was imported
        self._image_format = self._on.keras_image_format(setup)
        keras.backend.set_image_data_format(self._image_format)
        self._made = Layers(
            keras,
            self._layers,
            self._image_format,
            turns_kernels=self._on.KERAS_CONVOLVES,
            dtype=setup.dtype,
            batch_size=setup.batch_size,
            spells_out=setup.dtype == "float64",
            dense_tables=self._backend == "tensorflow" and optimizers.kind(setup.optimizer) != "sgd",
        )

    def build(self, weights: Weights, data: TrainingData) -> None:
        self._model = self._made.model(self._input_shape())
        self._made.write(weights)
        self._choices = self._compile_choices(len(data.train_labels)) if self._tuned else {}
        self._model.compile(optimizer=self._new_optimizer(), loss="sparse_categorical_crossentropy", **self._choices)
        labels = data.train_labels[..., None] if self._is_keras_2 and self._takes_tokens else data.train_labels
        self._train = (self._placed(self._as_fed(data.train_inputs)), self._placed(labels))
        self._test = (self._as_fed(data.test_inputs), data.test_labels)
        self._ask: Any = None

    def compile(self) -> None:
        if self._setup.task == "infer":
            self._compile_calls()
        elif self._is_keras_2:
            self._model._make_train_function()
            # What Keras hands over has the right types, once the labels have: no need to look at it in each step.
            self._model.train_function.function.trust_input = self._tuned
        else:
            self._model.make_train_function()

    def _compile_calls(self) -> None:
        if self._is_keras_2:
            self._model._make_predict_function()
            self._model.predict_function.function.trust_input = self._tuned

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
        self._on.synchronize(self._framework, self._setup, self._values)

    def _values(self) -> list[Any]:
        """The backend's own variables."""
        return self._model.weights if self._is_keras_2 else [variable.value for variable in self._model.variables]

    def step_losses(self) -> list[float]:
        return self._losses

    def weights(self) -> Weights:
        steps = self._keras.backend.get_value(self._model.optimizer.iterations) if self._is_keras_2 else 0
        return self._made.read(int(steps))

    def predict(self, inputs: Samples) -> Array:
        """Keras' own `predict_on_batch`; tuned, the model as its backend's guide calls one that is to answer fast."""
        fed = self._as_fed(inputs)
        if not self._tuned or self._is_keras_2:
            return np.asarray(self._model.predict_on_batch(fed))
        if self._ask is None:
            self._ask = self._on.keras_predictor(self._framework, self._model)
        return np.asarray(self._ask(fed))

    def evaluate(self) -> Evaluation:
        inputs, labels = self._test
        probabilities = self._model.predict(inputs, batch_size=_EVALUATION_BATCH, verbose=0)
        of_label = np.take_along_axis(probabilities, labels[..., None], axis=-1)
        loss = -np.log(np.maximum(of_label, _SMALLEST_PROBABILITY)).mean()
        return Evaluation(float(loss), float(np.mean(probabilities.argmax(axis=-1) == labels)))

    def settings(self) -> Mapping[str, str]:
        own = self._settings_of_calls() if self._setup.task == "infer" else self._settings_of_training()
        shared = {"backend": self._backend, "image_data_format": self._image_format}
        return {**shared, **own, **self._layer_settings(), **self._on.keras_settings(self._framework)}

    def _settings_of_calls(self) -> dict[str, str]:
        if self._is_keras_2:
            return {"call": "predict_on_batch", "trust_input": str(self._model.predict_function.function.trust_input)}
        return {"call": self._on.KERAS_PREDICTOR if self._tuned else "predict_on_batch"}

    def _settings_of_training(self) -> dict[str, str]:
        if self._is_keras_2:
            return {"trust_input": str(self._model.train_function.function.trust_input)}
        jit = str(self._model.jit_compile)
        found = {
            "jit_compile": jit if "jit_compile" in self._choices else f"auto ({jit})",
            "steps_per_execution": str(self._model.steps_per_execution),
            "training data": type(self._train[0]).__module__.partition(".")[0] + " arrays",
        }
        if self._backend == _FEEDS_BY_TF_DATA:
            found["tf.data autotune"] = "as it is" if self._array_adapter is None else "off"
        return found

    def _layer_settings(self) -> dict[str, str]:
        kinds, found = {type(layer) for layer in every(self._layers)}, {}
        if kinds & {Lstm, Gru}:
            found["recurrent layers"] = "unroll=True" if self._is_keras_2 else "as Keras has them"
        if CausalAttention in kinds:
            found["attention"] = "a layer of its own, batched_dot" if self._is_keras_2 else "MultiHeadAttention"
        return found

    def _new_optimizer(self) -> Any:
        """In float64, constants are NumPy's: TensorFlow takes Python's as float32, and makes float64 of that.

        On PyTorch they are Python's: what it compiles takes NumPy's for arrays, and its optimizers take none.
        """
        wanted, offered = self._setup.optimizer, self._keras.optimizers
        constant = np.float64 if self._setup.dtype == "float64" and self._backend != "torch" else float
        if optimizers.kind(wanted) != "adam":
            momentum = {"momentum": constant(wanted.momentum)} if wanted.momentum else {}
            return offered.SGD(learning_rate=wanted.learning_rate, **momentum)
        first, second = map(constant, ADAM_BETAS)
        return offered.Adam(learning_rate=wanted.learning_rate, beta_1=first, beta_2=second, epsilon=ADAM_EPSILON)

    def _compile_choices(self, samples: int) -> dict[str, Any]:
        steps = samples // self._setup.batch_size
        return self._on.keras_compile_choices(self._setup, steps, has_convolutions=has_convolutions(self._layers))

    def _placed(self, array: Any) -> Any:
        """Tuned, the training data is what the backend makes of it, where it is used, if that makes `fit` faster."""
        return self._on.keras_placed(self._framework, self._setup, array) if self._tuned else array

    def _as_fed(self, inputs: Samples) -> Samples:
        inputs = inputs.astype("int32" if self._takes_tokens else self._setup.dtype, copy=False)
        if inputs.ndim == _IMAGE_AXES and self._image_format == "channels_first":
            return np.ascontiguousarray(inputs.transpose(0, 3, 1, 2))
        return inputs

    def _input_shape(self) -> tuple[int, ...]:
        shape = networks.input_shape(self._setup.network, self._setup.sample)
        if len(shape) == _IMAGE_AXES - 1 and self._image_format == "channels_first":
            return (shape[2], *shape[:2])
        return shape

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
    if backend != _FEEDS_BY_TF_DATA:
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
