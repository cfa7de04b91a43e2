"""The shortest TensorFlow program for the study's networks; knows nothing of Benchsite."""

import json
import sys
import time

import numpy as np
import tensorflow as tf

job = json.loads(sys.argv[1])
data = np.load(job["data"])
x, y = tf.constant(data["x"]), tf.constant(data["y"])
weights = [tf.Variable(data[f"w{i}"]) for i in range(job["weights"])]


def logits(a):
    for i in range(0, len(weights), 2):
        w, b = weights[i], weights[i + 1]
        if len(w.shape) == 4:
            a = tf.nn.max_pool2d(tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(a, w, 1, "VALID"), b)), 2, 2, "VALID")
        else:
            a = tf.reshape(a, [-1, w.shape[0]]) @ w + b
            a = tf.nn.relu(a) if i + 2 < len(weights) else a
    return a


@tf.function
def step(batch):
    with tf.GradientTape() as tape:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.gather(y, batch), logits(tf.gather(x, batch)))
        loss = tf.reduce_mean(losses)
    for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
        weight.assign_sub(1e-3 * gradient)
    return loss


epochs = []
for epoch in range(job["epochs"]):
    order = np.random.default_rng(epoch).permutation(len(data["y"])).reshape(-1, 100)
    wall, cpu = time.perf_counter(), time.process_time()
    for batch in tf.unstack(tf.constant(order)):
        loss = step(batch)
    loss.numpy()
    epochs.append([time.perf_counter() - wall, time.process_time() - cpu])
print(json.dumps(epochs))
