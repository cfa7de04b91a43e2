"""The shortest Keras 3 programs for today's families; knows nothing of Benchsite.

On TensorFlow the data set that `fit` makes of arrays does without autotuning, as in keras_script.py.
"""

import json
import sys
import time

import keras
import numpy as np
from keras import layers, ops

job = json.loads(sys.argv[1])
depth, width, classes, size = job["depth"], job["width"], job["classes"], job["batch"]
data = np.load(job["data"])
x, y = data["x"], data["y"]
if job["type"] == "transformer":
    x = x.astype("int32")
whole = len(y) // size * size
x, y = x[:whole], y[:whole]


def normalised(a, filters, stride=1):
    """One pixel of zeros on each side, which is what Keras calls "same" where the stride is 1."""
    if stride > 1:
        a = layers.ZeroPadding2D(1)(a)
    made = layers.Conv2D(filters, 3, stride, padding="same" if stride == 1 else "valid", use_bias=False)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(made(a))


def resnet(a):
    a = layers.ReLU()(normalised(a, width))
    for stage in range(3):
        for block in range(depth):
            filters, stride = width * 2**stage, 2 if stage and not block else 1
            inner = normalised(layers.ReLU()(normalised(a, filters, stride)), filters)
            if stride == 2:
                a = ops.pad(a[:, ::2, ::2], [(0, 0), (0, 0), (0, 0), (0, filters - a.shape[3])])
            a = layers.ReLU()(layers.Add()([inner, a]))
    return layers.Dense(classes, activation="softmax")(layers.GlobalAveragePooling2D()(a))


def recurrent(kind):
    return lambda a: layers.Dense(classes, activation="softmax")(kind(width)(a))


class Embeddings(layers.Layer):
    def __init__(self):
        super().__init__()
        self.tokens = layers.Embedding(classes, width)
        self.places = self.add_weight(shape=(x.shape[1], width))

    def call(self, tokens):
        return self.tokens(tokens) + self.places


def transformer(tokens):
    a = Embeddings()(tokens)
    for _ in range(depth):
        seen = layers.LayerNormalization(epsilon=1e-5)(a)
        a = a + layers.MultiHeadAttention(4, width // 4)(seen, seen, use_causal_mask=True)
        inner = layers.Dense(4 * width)(layers.LayerNormalization(epsilon=1e-5)(a))
        a = a + layers.Dense(width)(layers.Activation("gelu")(inner))
    return layers.Dense(classes, activation="softmax")(layers.LayerNormalization(epsilon=1e-5)(a))


MODELS = {"resnet": resnet, "lstm": recurrent(layers.LSTM), "gru": recurrent(layers.GRU), "transformer": transformer}
given = layers.Input(x.shape[1:], dtype=x.dtype)
model = keras.Model(given, MODELS[job["type"]](given))
model.compile(keras.optimizers.SGD(learning_rate=1e-3), "sparse_categorical_crossentropy")
epochs = []


class Clock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        epochs.append([time.perf_counter() - self.wall, time.process_time() - self.cpu])


fed = {"x": x, "y": y, "batch_size": size, "shuffle": True}
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
    from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter

    calm = tf.data.Options()
    calm.autotune.enabled = False

    class CalmArrays(ArrayDataAdapter):
        def get_tf_dataset(self):
            return super().get_tf_dataset().with_options(calm)

    fed = {"x": CalmArrays(x, y, batch_size=size, shuffle=True)}
model.fit(**fed, epochs=job["epochs"], verbose=0, callbacks=[Clock()])
print(json.dumps(epochs))
