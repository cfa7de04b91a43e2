"""JAX: batches are sharded over a mesh of one process's devices, as its guide teaches; XLA sums the gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.errors import UnsupportedError
from engines.frameworks import jax
from engines.networks import every
from engines.networks.kinds import BatchNormalisation
from engines.replicas.equality import check_shards
from engines.replicas.shares import is_even

if TYPE_CHECKING:
    from engines.contract import Setup, TrainingData, Weights


class Engine(jax.Engine):
    """XLA splits arrays evenly alone: a batch that does not divide is filled up with samples that weigh nothing."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        devices = self._jax.devices()[: setup.replicas]
        if len(devices) < setup.replicas:
            raise UnsupportedError(f"{setup.replicas} replicas asked; JAX sees {len(devices)} devices.")
        self._fills_up = not is_even(setup.batch_size, setup.replicas)
        if self._fills_up and any(isinstance(layer, BatchNormalisation) for layer in every(self._layers)):
            raise UnsupportedError("What fills a batch up would count in its normalisation: choose an even split.")
        sharding = self._jax.sharding
        mesh = sharding.Mesh(np.array(devices), ("replica",))
        self._everywhere = sharding.NamedSharding(mesh, sharding.PartitionSpec())
        self._split = sharding.NamedSharding(mesh, sharding.PartitionSpec("replica"))

    def build(self, weights: Weights, data: TrainingData) -> None:
        super().build(weights, data)
        state = (self._parameters, self._moments, self._data)
        self._parameters, self._moments, self._data = self._jax.device_put(state, self._everywhere)

    def weights(self) -> Weights:
        check_shards(self._parameters)
        return super().weights()

    def settings(self) -> Mapping[str, str]:
        return {**super().settings(), "replicas": "NamedSharding of each batch over a Mesh"}

    def _train_step(self, parameters: Any, moments: Any, inputs: Any, labels: Any, batch: Any) -> tuple[Any, ...]:
        constrain = self._jax.lax.with_sharding_constraint
        batch = constrain(self._filled_up(batch), self._split)
        parameters, moments, loss = super()._train_step(parameters, moments, inputs, labels, batch)
        return *constrain((parameters, moments), self._everywhere), loss

    def _filled_up(self, batch: Any) -> Any:
        missing = -len(batch) % self._setup.replicas
        return self._jax.numpy.concatenate([batch, batch[:missing]]) if missing else batch

    def _mean_loss(self, parameters: list[Any], inputs: Any, labels: Any) -> tuple[Any, Any]:
        if not self._fills_up:
            return super()._mean_loss(parameters, inputs, labels)
        logits, seen = self._model.forward(parameters, inputs, training=True)
        losses = self._sample_losses(logits, labels)
        size = self._setup.batch_size
        counts = self._jax.numpy.arange(len(losses)) < size
        own = self._jax.numpy.where(counts.reshape(-1, *[1] * (losses.ndim - 1)), losses, 0)
        return own.sum() / (size * losses[0].size), seen
