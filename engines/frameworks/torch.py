"""PyTorch: `nn.Sequential` and `torch.optim` in an eager loop, as its tutorials teach; tuned, see `compile`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engines import backends, networks, optimizers
from engines.backends.torch import device, keep_headers
from engines.contract import Evaluation
from engines.evaluation import in_parts
from engines.layers.torch import Layers
from engines.networks import every, has_convolutions
from engines.networks.kinds import CausalAttention, Embedding, Gru, Lstm
from engines.optimizers import ADAM_BETAS, ADAM_EPSILON

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, Samples, Setup, TrainingData, Weights

_IMAGE_AXES = 4  # sample, height, width, channel


class Engine:
    def __init__(self, setup: Setup) -> None:
        self._torch = backends.start(setup, "torch")
        self._setup = setup
        self._layers = networks.layers(setup.network, setup.sample)
        self._kinds = {type(layer) for layer in every(self._layers)}
        self._device = device(setup)
        self._tuned = setup.track == "tuned"
        is_eager = has_convolutions(self._layers) and setup.device == "cpu"
        # torch.compile makes no graph of PyTorch's own recurrent layers, whose kernels are compiled already.
        self._compiles = self._tuned and not is_eager and not self._kinds & {Lstm, Gru}
        self._optimizer_kind = optimizers.kind(setup.optimizer)
        self._losses: Any = []

    def build(self, weights: Weights, data: TrainingData) -> None:
        torch = self._torch
        self._made = Layers(torch, self._layers, tuned=self._tuned, batch_size=self._setup.batch_size)
        self._model = self._made.model.to(self._device, self._dtype)
        if self._channels_last:
            self._model = self._model.to(memory_format=torch.channels_last)
        # The model's own memory, for a step that is differentiated as a function instead of through a tape.
        named = self._model.named_parameters()
        self._parameters = {name: value.detach() for name, value in named if value.requires_grad}
        self._made.write(weights)
        self._optimizer = self._new_optimizer()
        self._moments = self._new_moments()
        self._loss = torch.nn.CrossEntropyLoss()
        self._inputs, self._labels = self._as_fed(data.train_inputs), self._tensor(data.train_labels)
        self._test = (data.test_inputs, data.test_labels)
        self._asked: dict[int, Any] = {}

    def compile(self) -> None:
        """Where steps are compiled, each is one graph, from the gather to the update; a trial epoch of one makes it."""
        self._step = self._train_step
        if self._compiles and self._setup.task == "train":
            compiler, before = self._torch.compiler, self.weights()
            # What a step reads never changes, so nothing need be checked at each call; but then an older engine's
            # graph of this very method must not be left.
            compiler.reset()
            options = {"guard_filter_fn": compiler.skip_all_guards_unsafe}
            self._step = self._graph_of(self._functional_step, options=options)
            self.train_epoch(np.arange(self._setup.batch_size))
            self._made.write(before)
            for moment in self._moments.values():
                moment.zero_()

    def _graph_of(self, function: Any, **choices: Any) -> Any:
        keep_headers()
        return self._torch.compile(function, fullgraph=True, dynamic=False, **choices)

    def train_epoch(self, order: NDArray[np.int64]) -> None:
        size = self._setup.batch_size
        steps = len(order) // size
        batches = self._tensor(order[: steps * size].reshape(steps, size))
        self._set_mode(training=True)
        with self._torch.set_grad_enabled(not self._compiles):  # a compiled step holds its own gradients
            self._losses = [self._step(batch) for batch in batches]

    def synchronize(self) -> None:
        if self._setup.device == "gpu":
            self._torch.cuda.synchronize()

    def step_losses(self) -> list[float]:
        self._losses = self._torch.stack(list(self._losses))
        return self._losses.tolist()  # type: ignore[no-any-return]

    def weights(self) -> Weights:
        return self._made.read()

    def predict(self, inputs: Samples) -> Array:
        """Tuned, in inference mode, by a compiled or frozen graph for each size of batch."""
        self._set_mode(training=False)
        with self._torch.inference_mode() if self._tuned else self._torch.no_grad():
            fed = self._as_fed(inputs)
            model = self._asked_by(fed) if self._tuned else self._model
            return self._torch.softmax(model(fed), dim=-1).cpu().numpy()  # type: ignore[no-any-return]

    def evaluate(self) -> Evaluation:
        self._set_mode(training=False)
        return in_parts(self._evaluate_batch, *self._test)

    def settings(self) -> Mapping[str, str]:
        torch = self._torch
        own = self._settings_of_calls() if self._setup.task == "infer" else self._settings_of_training()
        return {
            **own,
            "memory_format": "channels_last" if self._channels_last else "contiguous_format",
            **self._layer_settings(),
            "num_threads": str(torch.get_num_threads()),
            "num_interop_threads": str(torch.get_num_interop_threads()),
            "float32_matmul_precision": torch.get_float32_matmul_precision(),
        }

    def _settings_of_training(self) -> dict[str, str]:
        return {
            "torch.compile": "the full step, fullgraph, skip_all_guards_unsafe" if self._compiles else "no",
            "optimizer": "in the compiled step" if self._compiles else self._optimizer_words(),
        }

    def _settings_of_calls(self) -> dict[str, str]:
        if not self._tuned:
            return {"call": "model(x), no_grad"}
        made = "torch.compile, fullgraph" if self._compiles_calls else "jit.trace, jit.freeze"
        return {"call": f"{made}, inference_mode"}

    def _layer_settings(self) -> dict[str, str]:
        found = {}
        if self._kinds & {Lstm, Gru}:
            found["recurrent layers"] = "nn.LSTM, its second bias zero" if Lstm in self._kinds else "nn.GRU"
        if CausalAttention in self._kinds:
            own = "nn.MultiheadAttention, attn_mask, is_causal"
            found["attention"] = "scaled_dot_product_attention, is_causal" if self._tuned else own
        return found

    @property
    def _channels_last(self) -> bool:
        return self._tuned and has_convolutions(self._layers)

    @property
    def _dtype(self) -> Any:
        return getattr(self._torch, self._setup.dtype)

    def _set_mode(self, *, training: bool) -> None:
        if self._model.training != training:
            self._model.train(training)
            self._asked = {}  # they hold the weights of a moment

    # ------------------------------------------------------------ steps

    def _train_step(self, batch: Any) -> Any:
        loss = self._mean_loss(self._model(self._inputs[batch]), self._labels[batch])
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        return loss.detach()

    def _mean_loss(self, outputs: Any, labels: Any) -> Any:
        if Embedding in self._kinds:  # a label for each position
            return self._loss(outputs.flatten(0, 1), labels.flatten())
        return self._loss(outputs, labels)

    def _functional_step(self, batch: Any) -> Any:
        """The same step without an optimizer and its state, so that it can be compiled as a whole."""
        torch = self._torch

        def mean_loss(parameters: dict[str, Any]) -> Any:
            outputs = torch.func.functional_call(self._model, parameters, (self._inputs[batch],))
            return self._mean_loss(outputs, self._labels[batch])

        gradients, loss = torch.func.grad_and_value(mean_loss)(self._parameters)
        update = self._update_by_adam if self._optimizer_kind == "adam" else self._update
        update(gradients)
        return loss

    def _update(self, gradients: dict[str, Any]) -> None:
        rate, moments = self._setup.optimizer.learning_rate, self._moments
        for name, value in self._parameters.items():
            change = gradients[name]
            if self._optimizer_kind == "momentum":
                change = moments[f"mean {name}"].mul_(self._setup.optimizer.momentum).add_(change)
            value.sub_(change, alpha=rate)

    def _update_by_adam(self, gradients: dict[str, Any]) -> None:
        rate, (first, second), moments = self._setup.optimizer.learning_rate, ADAM_BETAS, self._moments
        steps = moments["steps"].add_(1)
        of_mean, of_square = 1 - first**steps, 1 - second**steps
        for name, value in self._parameters.items():
            mean, square = moments[f"mean {name}"], moments[f"square {name}"]
            mean.mul_(first).add_(gradients[name], alpha=1 - first)
            square.mul_(second).addcmul_(gradients[name], gradients[name], value=1 - second)
            value.sub_(rate * (mean / of_mean) / ((square / of_square).sqrt() + ADAM_EPSILON))

    def _new_moments(self) -> dict[str, Any]:
        """What a compiled step's optimizer remembers."""
        if not self._compiles or self._optimizer_kind == "sgd":
            return {}
        names = ("mean", "square") if self._optimizer_kind == "adam" else ("mean",)
        zeros = self._torch.zeros_like
        found = {f"{each} {name}": zeros(value) for name, value in self._parameters.items() for each in names}
        return {**found, "steps": self._torch.zeros((), dtype=self._dtype, device=self._device)}

    def _new_optimizer(self) -> Any:
        trained = [value for value in self._model.parameters() if value.requires_grad]
        wanted, optim = self._setup.optimizer, self._torch.optim
        fused = {"fused": True} if self._fuses else {}
        if self._optimizer_kind == "adam":
            return optim.Adam(trained, lr=wanted.learning_rate, betas=ADAM_BETAS, eps=ADAM_EPSILON, **fused)
        return optim.SGD(trained, lr=wanted.learning_rate, momentum=wanted.momentum, **fused)

    @property
    def _fuses(self) -> bool:
        """The optimizer's update of all tensors as one kernel: in the tuned track, but for the study's networks."""
        return self._tuned and not networks.of_type(self._setup.network.type).is_studied

    def _optimizer_words(self) -> str:
        name = "torch.optim.Adam" if self._optimizer_kind == "adam" else "torch.optim.SGD"
        return f"{name}, fused" if self._fuses else name

    # ------------------------------------------------------------ a trained network that is asked

    @property
    def _compiles_calls(self) -> bool:
        return self._compiles and self._setup.device == "gpu"

    def _asked_by(self, fed: Any) -> Any:
        """Traced and frozen for this size of batch; compiled instead on a GPU, where it can be.

        On a CPU the frozen graph beats the compiled one, whose guards cost more than such networks' work.
        """
        if len(fed) not in self._asked:
            jit = self._torch.jit
            self._asked[len(fed)] = (
                self._graph_of(self._model) if self._compiles_calls else jit.freeze(jit.trace(self._model, fed))
            )
        return self._asked[len(fed)]

    def _evaluate_batch(self, inputs: Samples, labels: NDArray[np.int64]) -> tuple[float, int]:
        with self._torch.no_grad():
            outputs, wanted = self._model(self._as_fed(inputs)), self._tensor(labels)
            outputs, wanted = outputs.flatten(0, -2), wanted.flatten()
            loss = self._torch.nn.functional.cross_entropy(outputs, wanted, reduction="sum")
            return loss.item(), (outputs.argmax(dim=1) == wanted).sum().item()

    def _tensor(self, array: Any) -> Any:
        return self._torch.as_tensor(array, device=self._device)

    def _as_fed(self, inputs: Samples) -> Any:
        """On the device, in the order (sample, channel, height, width); channels last, that is only a view."""
        if np.issubdtype(inputs.dtype, np.integer):
            return self._tensor(inputs)
        tensor = self._tensor(inputs.astype(self._setup.dtype, copy=False))
        if inputs.ndim < _IMAGE_AXES:
            return tensor
        images = tensor.permute(0, 3, 1, 2)
        return images if self._channels_last else images.contiguous()
