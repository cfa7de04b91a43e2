"""Keras on JAX: `keras.distribution.DataParallel` over one process's devices, and one `fit` as ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from engines.contract import Evaluation
from engines.errors import UnsupportedError
from engines.frameworks import keras
from engines.replicas.equality import check_shards
from engines.replicas.shares import is_even

if TYPE_CHECKING:
    from engines.contract import Array, Samples, Setup, Weights

_EVALUATION_BATCH = 1000
_SMALLEST_PROBABILITY = 1e-7


class Engine(keras.Engine):
    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        if not is_even(setup.batch_size, setup.replicas):
            raise UnsupportedError(
                f"DataParallel splits batches evenly: {setup.batch_size} samples do not divide by {setup.replicas}."
            )
        distribution = self._keras.distribution
        devices = distribution.list_devices()[: setup.replicas]
        if len(devices) < setup.replicas:
            raise UnsupportedError(f"{setup.replicas} replicas asked; Keras sees {len(devices)} devices.")
        distribution.set_distribution(distribution.DataParallel(devices=devices, auto_shard_dataset=False))

    def evaluate(self) -> Evaluation:
        inputs, labels = self._test
        starts = range(0, len(inputs), _EVALUATION_BATCH)
        scores = np.concatenate([self._scores(inputs[start : start + _EVALUATION_BATCH]) for start in starts])
        of_label = np.take_along_axis(scores, labels[..., None], axis=-1)
        loss = -np.log(np.maximum(of_label, _SMALLEST_PROBABILITY)).mean()
        return Evaluation(float(loss), float(np.mean(scores.argmax(axis=-1) == labels)))

    def _scores(self, inputs: Samples) -> Array:
        """Of samples that need not divide: filled up for the while."""
        missing = -len(inputs) % self._setup.replicas
        filled = np.concatenate([inputs, inputs[:missing]]) if missing else inputs
        found: Array = np.asarray(self._model.predict_on_batch(filled))[: len(inputs)]
        return found

    def weights(self) -> Weights:
        check_shards(self._values())
        return super().weights()

    def settings(self) -> Mapping[str, str]:
        return {**super().settings(), "replicas": "DataParallel"}
