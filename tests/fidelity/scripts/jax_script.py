"""The shortest JAX program for the study's networks; knows nothing of Benchsite."""

import json
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

job = json.loads(sys.argv[1])
data = np.load(job["data"])
x, y = jnp.asarray(data["x"]), jnp.asarray(data["y"])
weights = [jnp.asarray(data[f"w{i}"]) for i in range(job["weights"])]


def logits(weights, a):
    for i in range(0, len(weights), 2):
        w, b = weights[i], weights[i + 1]
        if w.ndim == 4:
            a = jax.lax.conv_general_dilated(a, w, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            a = jax.nn.relu(a + b)
            a = jax.lax.reduce_window(a, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        else:
            a = a.reshape(len(a), -1) @ w + b
            a = jax.nn.relu(a) if i + 2 < len(weights) else a
    return a


def mean_loss(weights, x, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits(weights, x)), y[:, None], axis=1).mean()


@jax.jit
def step(weights, x, y, batch):
    loss, gradients = jax.value_and_grad(mean_loss)(weights, x[batch], y[batch])
    return [w - 1e-3 * g for w, g in zip(weights, gradients, strict=True)], loss


epochs = []
for epoch in range(job["epochs"]):
    order = np.random.default_rng(epoch).permutation(len(data["y"])).reshape(-1, 100)
    wall, cpu = time.perf_counter(), time.process_time()
    for batch in order.astype(np.int32):
        weights, loss = step(weights, x, y, batch)
    jax.block_until_ready(weights)
    epochs.append([time.perf_counter() - wall, time.process_time() - cpu])
print(json.dumps(epochs))
