"""Flax NNX: modules, an `nnx.Optimizer` and an `nnx.jit` step, as its guide teaches.

Tuned as its guide on performance says: `nnx.cached_partial`, so that no call walks through the model's objects again.
"""

from __future__ import annotations

import numpy as np

from engines import backends, networks, optimizers
from engines.evaluation import in_parts
from engines.networks import KERNEL, POOL, Convolution, Dense, by_layer, supported
from engines.optimizers import ADAM_BETAS, ADAM_EPSILON


class Engine:
    def __init__(self, setup):
        self.jax = backends.start(setup, "jax")
        import flax
        import optax
        from flax import nnx

        self.flax, self.nnx, self.optax = flax, nnx, optax
        self.setup = setup
        self.layers = networks.layers(setup.network, setup.sample)
        supported(self.layers, {Convolution: None, Dense: None}, "This example")

    def build(self, weights, data):
        jnp = self.jax.numpy
        self.model = self.made()
        for (_, own), layer in zip(by_layer(self.layers, weights), self.model.layers, strict=True):
            layer.kernel[...], layer.bias[...] = (jnp.asarray(each, self.setup.dtype) for each in own)
        self.optimizer = self.nnx.Optimizer(self.model, self.transform(), wrt=self.nnx.Param)
        self.data = jnp.asarray(self.as_fed(data.train_inputs)), jnp.asarray(data.train_labels)
        self.test = data.test_inputs, data.test_labels

    def compile(self):
        nnx = self.nnx
        self.ask, self.evaluated = nnx.jit(self.probabilities), nnx.jit(self.evaluate_batch)
        if self.setup.task == "infer":
            return
        before = nnx.to_pure_dict(nnx.state((self.model, self.optimizer)))
        self.step = nnx.jit(self.train_step)
        if self.setup.track == "tuned":
            self.step = nnx.cached_partial(self.step, self.model, self.optimizer)
        self.train_epoch(np.arange(self.setup.batch_size))
        self.synchronize()
        state = nnx.state((self.model, self.optimizer))
        nnx.replace_by_pure_dict(state, before)
        nnx.update((self.model, self.optimizer), state)

    def train_epoch(self, order):
        size = self.setup.batch_size
        batches = order[: len(order) // size * size].reshape(-1, size).astype(np.int32)
        bound = () if self.setup.track == "tuned" else (self.model, self.optimizer)
        self.losses = [self.step(*bound, *self.data, batch) for batch in batches]

    def synchronize(self):
        self.jax.block_until_ready(self.nnx.state(self.model))

    def step_losses(self):
        self.losses = [float(loss) for loss in self.jax.device_get(self.losses)]
        return self.losses

    def weights(self):
        return [np.array(each[...]) for layer in self.model.layers for each in (layer.kernel, layer.bias)]

    def predict(self, inputs):
        return np.asarray(self.ask(self.model, self.as_fed(inputs)))

    def evaluate(self):
        inputs, labels = self.test
        return in_parts(lambda *part: self.evaluated(self.model, *part), self.as_fed(inputs), labels)

    def settings(self):
        is_tuned = self.setup.track == "tuned" and self.setup.task == "train"
        step = "nnx.jit, cached_partial" if is_tuned else "nnx.jit"
        return {"call" if self.setup.task == "infer" else "step": step, "flax": self.flax.__version__}

    # ------------------------------------------------------------ how it is made

    def made(self):
        nnx, layers, dtype = self.nnx, self.layers, self.jax.numpy.dtype(self.setup.dtype)

        class Network(nnx.Module):
            def __init__(self, rngs):
                self.layers = nnx.List([module_of(nnx, layer, dtype, rngs) for layer in layers])

            def __call__(self, inputs):
                for layer, module in zip(layers, self.layers, strict=True):
                    if isinstance(layer, Convolution):
                        inputs = nnx.max_pool(nnx.relu(module(inputs)), (POOL, POOL), strides=(POOL, POOL))
                        continue
                    outputs = module(inputs.reshape(len(inputs), -1))
                    inputs = nnx.relu(outputs) if layer.relu else outputs
                return inputs

        return Network(nnx.Rngs(0))

    def transform(self):
        wanted, optax = self.setup.optimizer, self.optax
        if optimizers.kind(wanted) == "adam":
            return optax.adam(wanted.learning_rate, *ADAM_BETAS, eps=ADAM_EPSILON)
        return optax.sgd(wanted.learning_rate, momentum=wanted.momentum or None)

    # ------------------------------------------------------------ what is compiled

    def train_step(self, model, optimizer, inputs, labels, batch):
        def mean_loss(model):
            return self.losses_of(model(inputs[batch]), labels[batch]).mean()

        loss, slopes = self.nnx.value_and_grad(mean_loss)(model)
        optimizer.update(model, slopes)
        return loss

    def evaluate_batch(self, model, inputs, labels):
        logits = model(inputs)
        return self.losses_of(logits, labels).sum(), (logits.argmax(axis=-1) == labels).sum()

    def losses_of(self, logits, labels):
        return self.optax.softmax_cross_entropy_with_integer_labels(logits, labels)

    def probabilities(self, model, inputs):
        return self.jax.nn.softmax(model(inputs))

    def as_fed(self, inputs):
        return inputs.astype(self.setup.dtype, copy=False)


def module_of(nnx, layer, dtype, rngs):
    own = {"dtype": dtype, "param_dtype": dtype, "rngs": rngs}
    if isinstance(layer, Convolution):
        return nnx.Conv(layer.input_shape[2], layer.filters, (KERNEL, KERNEL), padding="VALID", **own)
    kernel, _ = layer.parameters
    return nnx.Linear(*kernel.shape, **own)
