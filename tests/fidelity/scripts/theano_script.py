"""The shortest Theano program for the study's networks; knows nothing of Benchsite."""

import inspect
import json
import sys
import time

if not hasattr(inspect, "getargspec"):
    inspect.getargspec = lambda function: inspect.getfullargspec(function)[:4]

import numpy as np
import theano
import theano.tensor as tt
from theano.tensor.signal.pool import pool_2d

job = json.loads(sys.argv[1])
data = np.load(job["data"])
images = data["x"].ndim == 4
x = theano.shared(np.ascontiguousarray(data["x"].transpose(0, 3, 1, 2)) if images else data["x"])
y = theano.shared(data["y"])
order = theano.shared(np.zeros(0, np.int64))
weights = []
for i in range(job["weights"]):
    w = data[f"w{i}"]
    weights.append(theano.shared(np.ascontiguousarray(w.transpose(3, 2, 0, 1)) if w.ndim == 4 else w))


def probabilities(a):
    size = 32
    for i in range(0, len(weights), 2):
        w, b = weights[i], weights[i + 1]
        if w.ndim == 4:
            kernel = w.get_value(borrow=True).shape
            shapes = {
                "input_shape": (None, kernel[1], size, size),
                "filter_shape": kernel,
            }  # which conv2d's page asks for
            a = tt.nnet.relu(tt.nnet.conv2d(a, w, **shapes, filter_flip=False) + b.dimshuffle("x", 0, "x", "x"))
            a = pool_2d(a, ws=(2, 2), ignore_border=True)
            size = (size - kernel[2] + 1) // 2
        else:
            a = a.flatten(2).dot(w) + b
            a = tt.nnet.relu(a) if i + 2 < len(weights) else tt.nnet.softmax(a)
    return a


i = tt.lscalar()
batch = order[i * 100 : (i + 1) * 100]
loss = tt.nnet.categorical_crossentropy(probabilities(x[batch]), y[batch]).mean()
updates = [(w, w - np.float32(1e-3) * g) for w, g in zip(weights, tt.grad(loss, weights), strict=True)]
step = theano.function([i], loss, updates=updates)

epochs = []
for epoch in range(job["epochs"]):
    permutation = np.random.default_rng(epoch).permutation(len(data["y"]))
    wall, cpu = time.perf_counter(), time.process_time()
    order.set_value(permutation)
    for number in range(len(permutation) // 100):
        step(number)
    epochs.append([time.perf_counter() - wall, time.process_time() - cpu])
print(json.dumps(epochs))
