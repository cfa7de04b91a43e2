"""ONNX Runtime: answers alone. An ONNX graph in an `InferenceSession`, with the optimisations that are its default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from engines import backends, networks
from engines.contract import Evaluation
from engines.errors import UnsupportedError
from engines.evaluation import in_parts
from engines.layers.onnxruntime import OPSET, Graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Array, Samples, Setup, TrainingData, Weights


class Engine:
    def __init__(self, setup: Setup) -> None:
        if setup.task != "infer":
            raise UnsupportedError("ONNX Runtime answers; it does not train.")
        self._ort = backends.start(setup, "onnxruntime")
        import onnx

        self._setup = setup
        self._takes_tokens = networks.of_type(setup.network.type).takes == "tokens"
        self._graph = Graph(onnx, networks.layers(setup.network, setup.sample), setup.dtype)

    def build(self, weights: Weights, data: TrainingData) -> None:
        self._weights = [np.array(weight) for weight in weights]
        self._test = (data.test_inputs, data.test_labels)
        self._model = self._graph.model(weights)

    def compile(self) -> None:
        """Raises UnsupportedError where there is no kernel for this element type: many have none for float64."""
        options = self._ort.SessionOptions()
        options.intra_op_num_threads = self._setup.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4 if self._setup.dtype == "float64" else 3
        try:
            self._session = self._ort.InferenceSession(self._model, options, providers=["CPUExecutionProvider"])
            if self._setup.dtype == "float64":  # of some kernels, only a call shows that they are missing
                self.predict(np.zeros((1, *networks.input_shape(self._setup.network, self._setup.sample))))
        except Exception as error:
            if self._setup.dtype == "float64":
                raise UnsupportedError(f"ONNX Runtime has no kernel for it in float64: {error}") from None
            raise

    def predict(self, inputs: Samples) -> Array:
        scores: Array = self._session.run(["scores"], {"inputs": self._as_fed(inputs)})[0]
        return scores

    def synchronize(self) -> None:
        """`run` returns when all is done."""

    def weights(self) -> Weights:
        return self._weights

    def evaluate(self) -> Evaluation:
        return in_parts(self._evaluate_batch, *self._test)

    def settings(self) -> Mapping[str, str]:
        options = self._session.get_session_options()
        return {
            "call": "InferenceSession.run",
            "opset": str(OPSET),
            "graph_optimization_level": str(options.graph_optimization_level).rpartition(".")[2],
            "intra_op_num_threads": str(options.intra_op_num_threads),
            "inter_op_num_threads": str(options.inter_op_num_threads),
        }

    def train_epoch(self, order: NDArray[np.int64]) -> NoReturn:
        raise UnsupportedError("ONNX Runtime answers; it does not train.")

    def step_losses(self) -> NoReturn:
        raise UnsupportedError("ONNX Runtime answers; it does not train.")

    def _as_fed(self, inputs: Samples) -> Samples:
        return inputs if self._takes_tokens else inputs.astype(self._setup.dtype, copy=False)

    def _evaluate_batch(self, inputs: Samples, labels: NDArray[np.int64]) -> tuple[Any, Any]:
        scores, wanted = self.predict(inputs), labels.flatten()
        scores = scores.reshape(len(wanted), -1)
        losses = -np.log(np.maximum(scores[np.arange(len(wanted)), wanted], np.finfo(scores.dtype).tiny))
        return losses.sum(), (scores.argmax(axis=-1) == wanted).sum()
