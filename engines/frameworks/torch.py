"""PyTorch: `nn.Sequential` and `torch.optim.SGD` in an eager loop, as its tutorials teach; tuned, see `compile`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engines import backends, networks, optimizers
from engines.backends.torch import device
from engines.contract import Evaluation
from engines.evaluation import in_parts
from engines.networks import KERNEL, POOL, Convolution, Dense, has_convolutions, supported, takes_images
from engines.networks.layouts import from_channels_first, to_channels_first

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, Setup, TrainingData, Weights

_IMAGE_AXES = 4  # sample, height, width, channel


class Engine:
    def __init__(self, setup: Setup) -> None:
        self._torch = backends.start(setup, "torch")
        self._setup = setup
        self._layers = networks.layers(setup.network, setup.sample)
        self._device = device(setup)
        self._tuned = setup.track == "tuned"
        self._compiles = self._tuned and (not has_convolutions(self._layers) or setup.device == "gpu")
        self._made_of = supported(self._layers, {Convolution: self._convolution, Dense: self._dense}, "PyTorch")
        optimizers.supported(setup.optimizer, ["sgd"], "PyTorch")
        self._losses: Any = []

    def build(self, weights: Weights, data: TrainingData) -> None:
        torch = self._torch
        self._model = torch.nn.Sequential(*self._modules()).to(self._device, self._dtype)
        if self._channels_last:
            self._model = self._model.to(memory_format=torch.channels_last)
        # The model's own memory, for a step that is differentiated as a function instead of through a tape.
        self._parameters = {name: value.detach() for name, value in self._model.named_parameters()}
        self._set_weights(weights)
        self._optimizer = torch.optim.SGD(self._model.parameters(), lr=self._setup.optimizer.learning_rate)
        self._loss = torch.nn.CrossEntropyLoss()
        self._inputs, self._labels = self._as_fed(data.train_inputs), self._tensor(data.train_labels)
        self._test = (data.test_inputs, data.test_labels)

    def compile(self) -> None:
        """Where steps are compiled, each is one graph, from the gather to the update; a trial epoch of one makes it."""
        self._step = self._train_step
        if self._compiles:
            compiler, before = self._torch.compiler, self.weights()
            # What a step reads never changes, so nothing need be checked at each call; but then an older engine's
            # graph of this very method must not be left.
            compiler.reset()
            options = {"guard_filter_fn": compiler.skip_all_guards_unsafe}
            self._step = self._torch.compile(self._functional_step, fullgraph=True, dynamic=False, options=options)
            self.train_epoch(np.arange(self._setup.batch_size))
            self._set_weights(before)

    def train_epoch(self, order: NDArray[np.int64]) -> None:
        size = self._setup.batch_size
        steps = len(order) // size
        batches = self._tensor(order[: steps * size].reshape(steps, size))
        with self._torch.set_grad_enabled(not self._compiles):  # a compiled step holds its own gradients
            self._losses = [self._step(batch) for batch in batches]

    def synchronize(self) -> None:
        if self._setup.device == "gpu":
            self._torch.cuda.synchronize()

    def step_losses(self) -> list[float]:
        self._losses = self._torch.stack(list(self._losses))
        return self._losses.tolist()  # type: ignore[no-any-return]

    def weights(self) -> Weights:
        values = [parameter.detach().cpu().numpy() for parameter in self._model.parameters()]
        return from_channels_first(self._layers, values, transposed=True)

    def evaluate(self) -> Evaluation:
        return in_parts(self._evaluate_batch, *self._test)

    def settings(self) -> Mapping[str, str]:
        torch = self._torch
        return {
            "torch.compile": "the full step, fullgraph, skip_all_guards_unsafe" if self._compiles else "no",
            "memory_format": "channels_last" if self._channels_last else "contiguous_format",
            "optimizer": "in the compiled step" if self._compiles else "torch.optim.SGD",
            "num_threads": str(torch.get_num_threads()),
            "num_interop_threads": str(torch.get_num_interop_threads()),
            "float32_matmul_precision": torch.get_float32_matmul_precision(),
        }

    @property
    def _channels_last(self) -> bool:
        return self._tuned and has_convolutions(self._layers)

    @property
    def _dtype(self) -> Any:
        return getattr(self._torch, self._setup.dtype)

    def _modules(self) -> list[Any]:
        return [module for layer in self._layers for module in self._made_of[type(layer)](layer)]

    def _convolution(self, layer: Convolution) -> list[Any]:
        nn = self._torch.nn
        return [nn.Conv2d(layer.input_shape[2], layer.filters, KERNEL), nn.ReLU(), nn.MaxPool2d(POOL)]

    def _dense(self, layer: Dense) -> list[Any]:
        nn = self._torch.nn
        flattened = [nn.Flatten()] if takes_images(layer) else []
        return [*flattened, nn.Linear(layer.inputs, layer.units), *([nn.ReLU()] if layer.relu else [])]

    def _train_step(self, batch: Any) -> Any:
        loss = self._loss(self._model(self._inputs[batch]), self._labels[batch])
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        return loss.detach()

    def _functional_step(self, batch: Any) -> Any:
        """The same step without an optimizer and its state, so that it can be compiled as a whole."""
        torch = self._torch

        def mean_loss(parameters: dict[str, Any]) -> Any:
            outputs = torch.func.functional_call(self._model, parameters, (self._inputs[batch],))
            return self._loss(outputs, self._labels[batch])

        gradients, loss = torch.func.grad_and_value(mean_loss)(self._parameters)
        for name, value in self._parameters.items():
            value.sub_(gradients[name], alpha=self._setup.optimizer.learning_rate)
        return loss

    def _evaluate_batch(self, inputs: Array, labels: NDArray[np.int64]) -> tuple[float, int]:
        with self._torch.no_grad():
            outputs, wanted = self._model(self._as_fed(inputs)), self._tensor(labels)
            loss = self._torch.nn.functional.cross_entropy(outputs, wanted, reduction="sum")
            return loss.item(), (outputs.argmax(dim=1) == wanted).sum().item()

    def _set_weights(self, weights: Weights) -> None:
        with self._torch.no_grad():
            values = to_channels_first(self._layers, weights, transposed=True)
            for parameter, value in zip(self._model.parameters(), values, strict=True):
                parameter.copy_(self._tensor(value))

    def _tensor(self, array: Any) -> Any:
        return self._torch.as_tensor(array, device=self._device)

    def _as_fed(self, inputs: Array) -> Any:
        """On the device, in the order (sample, channel, height, width); channels last, that is only a view."""
        tensor = self._tensor(inputs.astype(self._setup.dtype, copy=False))
        if inputs.ndim < _IMAGE_AXES:
            return tensor
        images = tensor.permute(0, 3, 1, 2)
        return images if self._channels_last else images.contiguous()
