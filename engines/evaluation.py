"""The test set through a framework's own evaluation, a part at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engines.contract import Evaluation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engines.contract import Samples

PART = 1000


def in_parts(
    evaluate: Callable[[Samples, NDArray[np.int64]], tuple[Any, Any]], inputs: Samples, labels: NDArray[np.int64]
) -> Evaluation:
    """`evaluate` gives the sum of the losses and the number of right answers of some samples, or positions."""
    slices = [slice(start, start + PART) for start in range(0, len(labels), PART)]
    found = [evaluate(inputs[part], labels[part]) for part in slices]
    loss, correct = (sum(float(value) for value in values) for values in zip(*found, strict=True))
    return Evaluation(loss / labels.size, correct / labels.size)
