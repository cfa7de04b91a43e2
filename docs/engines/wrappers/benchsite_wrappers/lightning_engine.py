"""Lightning: a `LightningModule` that a `Trainer` fits, over the modules of PyTorch's own idiomatic track.

Tuned, the Trainer is `barebones`: without all that its documentation says may cost speed.
"""

from __future__ import annotations

import logging
import math
import warnings

import numpy as np

from engines import backends, networks, optimizers
from engines.evaluation import in_parts
from engines.layers.torch import Layers
from engines.optimizers import ADAM_BETAS, ADAM_EPSILON


class Engine:
    """It drives its own epochs: `fit` is what Lightning's users call, and the loop is its Trainer's."""

    def __init__(self, setup):
        self.torch = backends.start(setup, "torch")
        import lightning

        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", module="lightning")
        self.lightning, self.setup = lightning, setup
        self.layers = networks.layers(setup.network, setup.sample)

    def build(self, weights, data):
        torch = self.torch
        self.made = Layers(torch, self.layers, tuned=False, batch_size=self.setup.batch_size)
        self.made.model.to(getattr(torch, self.setup.dtype))
        self.made.write(weights)
        self.module = module_of(self.lightning, torch, self.made.model, self.optimizer())
        self.samples = torch.utils.data.TensorDataset(
            self.as_fed(data.train_inputs), torch.as_tensor(data.train_labels)
        )
        self.test = data.test_inputs, data.test_labels

    def compile(self):
        """PyTorch computes as it goes: there is nothing to compile."""

    def fit(self, clock, *, seed, epoch_limit):
        order = self.torch.utils.data.RandomSampler(
            self.samples, generator=self.torch.Generator().manual_seed(seed % 2**63)
        )
        self.trainer(epoch_limit, [clock_callback(self.lightning, self, clock)]).fit(self.module, self.batches(order))

    def train_epoch(self, order):
        self.trainer(1, []).fit(self.module, self.batches(order.tolist()))

    def synchronize(self):
        """On a CPU, PyTorch never returns early."""

    def step_losses(self):
        return self.torch.stack(self.module.losses).tolist()

    def weights(self):
        return self.made.read()

    def predict(self, inputs):
        self.made.model.eval()
        with self.torch.inference_mode():
            return self.torch.softmax(self.made.model(self.as_fed(inputs)), dim=-1).numpy()

    def evaluate(self):
        self.made.model.eval()
        return in_parts(self.evaluate_batch, *self.test)

    def settings(self):
        is_tuned = self.setup.track == "tuned"
        return {
            "Trainer": "barebones=True" if is_tuned else "no logger, checkpoints, progress bar or summary",
            "DataLoader": "a TensorDataset's rows, a batch at a time; in this process",
            "lightning": self.lightning.__version__,
            "num_threads": str(self.torch.get_num_threads()),
        }

    # ------------------------------------------------------------ what Lightning is given

    def trainer(self, epochs, callbacks):
        kept = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
        quiet = {"barebones": True} if self.setup.track == "tuned" else {**kept, "enable_model_summary": False}
        return self.lightning.Trainer(
            accelerator="cpu",
            devices=1,
            max_epochs=epochs,
            precision="64-true" if self.setup.dtype == "float64" else "32-true",
            callbacks=callbacks,
            **quiet,
        )

    def batches(self, order):
        """Whole batches by their indices, as PyTorch's documentation has it for data that is read in bulk."""
        data = self.torch.utils.data
        batches = data.BatchSampler(order, self.setup.batch_size, drop_last=True)
        return data.DataLoader(self.samples, sampler=batches, batch_size=None)

    def optimizer(self):
        wanted, optim, parameters = self.setup.optimizer, self.torch.optim, self.made.model.parameters()
        trained = [value for value in parameters if value.requires_grad]
        if optimizers.kind(wanted) == "adam":
            return optim.Adam(trained, lr=wanted.learning_rate, betas=ADAM_BETAS, eps=ADAM_EPSILON)
        return optim.SGD(trained, lr=wanted.learning_rate, momentum=wanted.momentum)

    def evaluate_batch(self, inputs, labels):
        with self.torch.no_grad():
            outputs, wanted = (
                self.made.model(self.as_fed(inputs)).flatten(0, -2),
                self.torch.as_tensor(labels).flatten(),
            )
            loss = self.torch.nn.functional.cross_entropy(outputs, wanted, reduction="sum")
            return loss.item(), (outputs.argmax(dim=1) == wanted).sum().item()

    def as_fed(self, inputs):
        """Images in the order (sample, channel, height, width); tokens as they are."""
        if np.issubdtype(inputs.dtype, np.integer):
            return self.torch.as_tensor(inputs)
        tensor = self.torch.as_tensor(inputs.astype(self.setup.dtype, copy=False))
        return tensor.permute(0, 3, 1, 2).contiguous() if inputs.ndim == 4 else tensor


def module_of(lightning, torch, model, optimizer):
    class Classifier(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.model, self.losses = model, []

        def training_step(self, batch, number):
            inputs, labels = batch
            outputs = self.model(inputs)
            loss = torch.nn.functional.cross_entropy(outputs.flatten(0, -2), labels.flatten())
            self.losses.append(loss.detach())
            return loss

        def on_train_epoch_start(self):
            self.losses = []

        def configure_optimizers(self):
            return optimizer

    return Classifier()


def clock_callback(lightning, engine, clock):
    class Clock(lightning.Callback):
        def on_train_epoch_start(self, trainer, module):
            clock.begin_epoch()

        def on_train_epoch_end(self, trainer, module):
            losses = engine.step_losses()
            trainer.should_stop = clock.end_epoch(math.fsum(losses) / len(losses))

    return Clock()
