"""The shortest Keras program for the study's networks, for Keras 2 on Theano and Keras 3; knows nothing of Benchsite.

On TensorFlow the adapter that `fit` makes of arrays is made here by hand, its data set without autotuning: see
docs/design.md. The bare data set, whose number of batches Keras does not know, would take 3 % less.
"""

import collections
import collections.abc
import inspect
import json
import os
import sys
import time

ON_THEANO = os.environ["KERAS_BACKEND"] == "theano"
if ON_THEANO:
    for name in ("Callable", "Hashable", "Iterable", "Iterator", "Mapping", "MutableMapping", "Sequence"):
        setattr(collections, name, getattr(collections.abc, name))
    if not hasattr(inspect, "getargspec"):
        inspect.getargspec = lambda function: inspect.getfullargspec(function)[:4]

import keras
import numpy as np
from keras import layers

job = json.loads(sys.argv[1])
data = np.load(job["data"])
x, y = data["x"], data["y"]
kernels = [data[f"w{i}"] for i in range(0, job["weights"], 2)]
if ON_THEANO:
    keras.backend.set_image_data_format("channels_first")
    x = np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x

model = keras.models.Sequential()
model.add(layers.InputLayer(x.shape[1:]))
for number, kernel in enumerate(kernels):
    if kernel.ndim == 4:
        model.add(layers.Conv2D(kernel.shape[3], 5, activation="relu"))
        model.add(layers.MaxPooling2D(2))
    else:
        if number and kernels[number - 1].ndim == 4:
            model.add(layers.Flatten())
        model.add(layers.Dense(kernel.shape[1], activation="relu" if number + 1 < len(kernels) else "softmax"))
model.set_weights([data[f"w{i}"] for i in range(job["weights"])])
model.compile(keras.optimizers.SGD(learning_rate=1e-3), "sparse_categorical_crossentropy")

epochs = []


class Clock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        epochs.append([time.perf_counter() - self.wall, time.process_time() - self.cpu])


fed = {"x": x, "y": y, "batch_size": 100, "shuffle": True}
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
    from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter

    calm = tf.data.Options()
    calm.autotune.enabled = False

    class CalmArrays(ArrayDataAdapter):
        def get_tf_dataset(self):
            return super().get_tf_dataset().with_options(calm)

    fed = {"x": CalmArrays(x, y, batch_size=100, shuffle=True)}
model.fit(**fed, epochs=job["epochs"], verbose=0, callbacks=[Clock()])
print(json.dumps(epochs))
