"""Generated samples that a network can learn: each class has a mean, each sample adds noise to its class's.

Everything is integer arithmetic on the raw output of PCG64, whose stream NumPy keeps the same for ever (distributions
may change between versions), so every engine environment trains on the same bytes.
"""

from __future__ import annotations

import hashlib
from math import prod
from typing import TYPE_CHECKING

from engines.contract import DataSet
from engines.datasets.source import Role, Source
from engines.errors import DataSetError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SEED = 20_170_412
_BLOCK = 4
_RECIPE = (
    "class mean of 4-pixel blocks (images) or of one value per feature, plus a uniform byte, halved; PCG64 raw; v1"
)


def recipe_hash(source: Source) -> str:
    """Changes when the generated samples would."""
    recipe = f"{_RECIPE}; seed {_SEED}; shape {source.shape}; {source.classes} classes"
    return hashlib.sha256(recipe.encode()).hexdigest()


def _check_recipe(source: Source, dataset: DataSet) -> None:
    if dataset.sha256 != recipe_hash(source):
        raise DataSetError("These synthetic samples were made by another version's recipe. Run them with that version.")


def generate(source: Source, dataset: DataSet, role: Role) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Samples (n, *shape) and labels. The first n samples are the same whatever n is."""
    import numpy as np

    _check_recipe(source, dataset)
    count = dataset.train_samples if role == "train" else dataset.test_samples
    labels = (_raw_bytes(f"{role}-labels", count) % source.classes).astype(np.int64)
    noise = _raw_bytes(role, count * prod(source.shape)).reshape(count, *source.shape)
    noise >>= 1
    noise += (_class_means(source) >> 1)[labels]
    return noise, labels


def text(source: Source, dataset: DataSet, role: Role) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(n,) numbers of characters drawn alike, each labelled with the next one."""
    import numpy as np

    _check_recipe(source, dataset)
    count = dataset.train_samples if role == "train" else dataset.test_samples
    drawn = (_raw_bytes(f"{role}-text", count + 1) % source.classes).astype(np.int64)
    return drawn[:-1], drawn[1:]


def _class_means(source: Source) -> NDArray[np.uint8]:
    """(classes, *shape); images have areas of one colour, as a convolution and its pooling can see those."""
    if len(source.shape) == 1:
        return _raw_bytes("means", source.classes * source.shape[0]).reshape(source.classes, *source.shape)
    height, width, channels = source.shape
    small = (source.classes, height // _BLOCK, width // _BLOCK, channels)
    means = _raw_bytes("means", prod(small)).reshape(small)
    return means.repeat(_BLOCK, axis=1).repeat(_BLOCK, axis=2)


def _raw_bytes(stream: str, count: int) -> NDArray[np.uint8]:
    import numpy as np

    words = np.random.PCG64(_seed_of(stream)).random_raw((count + 7) // 8)
    return words.astype("<u8").view(np.uint8)[:count]


def _seed_of(stream: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{_SEED} {stream}".encode()).digest()[:8], "big")
