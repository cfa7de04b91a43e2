"""What else PyTorch could be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from engines.contract import Setup, TrainingData
from engines.frameworks.torch import Engine
from tests.alternatives.declared import Alternative

if TYPE_CHECKING:
    from engines.contract import Weights


class _Optimizer(Engine):
    """An eager step whose optimizer is told something."""

    choices: ClassVar[dict[str, Any]]

    def build(self, weights: Weights, data: TrainingData) -> None:
        super().build(weights, data)
        sgd = self._torch.optim.SGD
        self._optimizer = sgd(self._model.parameters(), lr=self._setup.optimizer.learning_rate, **self.choices)


class Fused(_Optimizer):
    """`fused=True`: one kernel for the whole update."""

    choices: ClassVar = {"fused": True}


class Foreach(_Optimizer):
    """`foreach=True`: one call for all tensors."""

    choices: ClassVar = {"foreach": True}


class Guarded(Engine):
    """The whole step as one graph, as tuned has it for MLPs, with what `torch.compile` checks before each call."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._compiles = True

    def compile(self) -> None:
        before = self.weights()
        self._step = self._torch.compile(self._functional_step, fullgraph=True, dynamic=False)
        self.train_epoch(np.arange(self._setup.batch_size))
        self._made.write(before)


class CompiledModel(Engine):
    """`torch.compile` of the model alone; loss, backward and optimizer stay as they are."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._compiles = False

    def compile(self) -> None:
        before, self._step = self.weights(), self._train_step
        self._model = self._torch.compile(self._model, fullgraph=True, dynamic=False)
        self.train_epoch(np.arange(self._setup.batch_size))
        self._made.write(before)


ALTERNATIVES = {
    "torch": (
        Alternative("idiomatic, SGD(fused=True)", Fused, "idiomatic"),
        Alternative("idiomatic, SGD(foreach=True)", Foreach, "idiomatic"),
        Alternative("tuned, compiling the model alone", CompiledModel),
        Alternative("tuned, with guards", Guarded, networks=("mlp",)),
        Alternative("tuned, compiling the whole step", Guarded, networks=("cnn",)),
    )
}
