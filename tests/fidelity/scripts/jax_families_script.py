"""The shortest JAX programs for today's families; knows nothing of Benchsite."""

import json
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

job = json.loads(sys.argv[1])
depth, width, classes, size = job["depth"], job["width"], job["classes"], job["batch"]
data = np.load(job["data"])
x, y = jnp.asarray(data["x"]), jnp.asarray(data["y"])
keys = iter(jax.random.split(jax.random.key(0), 1000))


def made(*shape):
    return 0.05 * jax.random.normal(next(keys), shape, "float32")


def zeros(*shape):
    return jnp.zeros(shape, "float32")


# ---------------------------------------------------------------- residual networks


def new_normalised(before, after):
    return {"w": made(3, 3, before, after), "s": 1 + zeros(after), "b": zeros(after)}, (zeros(after), 1 + zeros(after))


def normalised(p, running, a, stride=1):
    a = jax.lax.conv_general_dilated(
        a, p["w"], (stride,) * 2, ((1, 1), (1, 1)), dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    mean, variance = a.mean(axis=(0, 1, 2)), a.var(axis=(0, 1, 2))
    seen = (0.9 * running[0] + 0.1 * mean, 0.9 * running[1] + 0.1 * variance)
    return (a - mean) * jax.lax.rsqrt(variance + 1e-5) * p["s"] + p["b"], seen


def new_resnet():
    blocks, before = [], width
    for stage in range(3):
        for _ in range(depth):
            after = width * 2**stage
            blocks.append((new_normalised(before, after), new_normalised(after, after)))
            before = after
    first = new_normalised(x.shape[3], width)
    trained = {
        "first": first[0],
        "blocks": [(a[0], b[0]) for a, b in blocks],
        "w": made(before, classes),
        "b": zeros(classes),
    }
    return trained, {"first": first[1], "blocks": [(a[1], b[1]) for a, b in blocks]}


def resnet(p, running, a):
    a, first = normalised(p["first"], running["first"], a)
    a, blocks = jax.nn.relu(a), []
    for number, ((p1, p2), (r1, r2)) in enumerate(zip(p["blocks"], running["blocks"], strict=True)):
        stride = 2 if number and number % depth == 0 else 1
        inner, s1 = normalised(p1, r1, a, stride)
        inner, s2 = normalised(p2, r2, jax.nn.relu(inner))
        if stride == 2:
            a = jnp.pad(a[:, ::2, ::2], [(0, 0), (0, 0), (0, 0), (0, inner.shape[3] - a.shape[3])])
        a = jax.nn.relu(inner + a)
        blocks.append((s1, s2))
    return a.mean(axis=(1, 2)) @ p["w"] + p["b"], {"first": first, "blocks": blocks}


# ---------------------------------------------------------------- recurrent networks


def new_recurrent(gates):
    own = {"k": made(x.shape[2], gates * width), "r": made(width, gates * width), "b": zeros(gates * width)}
    return {**own, "rb": zeros(gates * width), "w": made(width, classes), "c": zeros(classes)}, ()


def lstm(p, running, a):
    def step(carried, now):
        state, cell = carried
        i, f, g, o = jnp.split(now @ p["k"] + p["b"] + state @ p["r"], 4, axis=-1)
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(cell), cell), None

    start = jnp.zeros((len(a), width))
    (state, _), _ = jax.lax.scan(step, (start, start), a.swapaxes(0, 1))
    return state @ p["w"] + p["c"], running


def gru(p, running, a):
    def step(state, now):
        xz, xr, xn = jnp.split(now @ p["k"] + p["b"], 3, axis=-1)
        hz, hr, hn = jnp.split(state @ p["r"] + p["rb"], 3, axis=-1)
        z, r = jax.nn.sigmoid(xz + hz), jax.nn.sigmoid(xr + hr)
        return z * state + (1 - z) * jnp.tanh(xn + r * hn), None

    state, _ = jax.lax.scan(step, jnp.zeros((len(a), width)), a.swapaxes(0, 1))
    return state @ p["w"] + p["c"], running


# ---------------------------------------------------------------- transformers


def new_transformer():
    def layer():
        return {
            "s1": 1 + zeros(width), "o1": zeros(width), "s2": 1 + zeros(width), "o2": zeros(width),
            "qkv": made(width, 3 * width), "qb": zeros(3 * width), "out": made(width, width), "ob": zeros(width),
            "up": made(width, 4 * width), "ub": zeros(4 * width), "down": made(4 * width, width), "db": zeros(width),
        }  # fmt: skip

    whole = {
        "tokens": made(classes, width),
        "places": made(x.shape[1], width),
        "layers": [layer() for _ in range(depth)],
    }
    return {**whole, "s": 1 + zeros(width), "o": zeros(width), "w": made(width, classes), "b": zeros(classes)}, ()


def norm(a, scale, offset):
    mean, variance = a.mean(axis=-1, keepdims=True), a.var(axis=-1, keepdims=True)
    return (a - mean) * jax.lax.rsqrt(variance + 1e-5) * scale + offset


def transformer(p, running, tokens):
    a = p["tokens"][tokens] + p["places"]
    for own in p["layers"]:
        q, k, v = jnp.split(norm(a, own["s1"], own["o1"]) @ own["qkv"] + own["qb"], 3, axis=-1)
        q, k, v = (each.reshape(*each.shape[:2], 4, width // 4) for each in (q, k, v))
        seen = jax.nn.dot_product_attention(q, k, v, is_causal=True).reshape(a.shape)
        a = a + (seen @ own["out"] + own["ob"])
        inner = jax.nn.gelu(norm(a, own["s2"], own["o2"]) @ own["up"] + own["ub"], approximate=False)
        a = a + (inner @ own["down"] + own["db"])
    return norm(a, p["s"], p["o"]) @ p["w"] + p["b"], running


# ---------------------------------------------------------------- training

MODELS = {
    "resnet": (new_resnet, resnet),
    "lstm": (lambda: new_recurrent(4), lstm),
    "gru": (lambda: new_recurrent(3), gru),
    "transformer": (new_transformer, transformer),
}
new, forward = MODELS[job["type"]]
trained, running = new()


def mean_loss(trained, running, x, y):
    logits, seen = forward(trained, running, x)
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[..., None], axis=-1).mean(), seen


@jax.jit
def step(trained, running, x, y, batch):
    (loss, seen), slopes = jax.value_and_grad(mean_loss, has_aux=True)(trained, running, x[batch], y[batch])
    return jax.tree.map(lambda value, slope: value - 1e-3 * slope, trained, slopes), seen, loss


epochs = []
for epoch in range(job["epochs"]):
    order = np.random.default_rng(epoch).permutation(len(data["y"]))[: len(data["y"]) // size * size].reshape(-1, size)
    wall, cpu = time.perf_counter(), time.process_time()
    for batch in order.astype(np.int32):
        trained, running, loss = step(trained, running, x, y, batch)
    jax.block_until_ready(trained)
    epochs.append([time.perf_counter() - wall, time.process_time() - cpu])
print(json.dumps(epochs))
