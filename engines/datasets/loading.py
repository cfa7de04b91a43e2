"""The worker's side: reads the samples that a DataSet names, proves that it is those, and scales them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal

from engines.contract import DataSet, TrainingData
from engines.datasets import folder, synthetic
from engines.datasets.catalogue import find
from engines.datasets.folder import Holding, StoredFile
from engines.datasets.source import Role, Shipped, Source, Table
from engines.errors import DataSetError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Integers = NDArray[np.integer[Any]]
    Labels = NDArray[np.int64]

Dtype = Literal["float32", "float64"]
_HASH_BYTES = 1 << 20
_PIXEL_MAXIMUM = 255


def load(dataset: DataSet, *, dtype: Dtype = "float32") -> TrainingData:
    """The first `train_samples` training samples and the test samples, scaled.

    Features are (n, 8), standardised by the whole training set; pixels are (n, height, width, channels) from 0 to 1;
    a text is (n,) numbers of characters, each labelled with the next one.
    Raises DataSetError if the files are not those whose sha256 the data set has.
    """
    source = find(dataset.name)
    if source.synthetic:
        return _generated(source, dataset, dtype)
    if dataset.source == "shipped" and source.shipped:
        return _shipped(source, source.shipped, dataset, dtype)
    holding = folder.read_holding(source)
    if holding is None:
        raise DataSetError(f"The files of {source.title} are missing on this machine.")
    reader = _Reader(source, holding, dataset)
    if source.table:
        return _features(*reader.rows(source.table), source.table, dataset, dtype)
    return reader.images(dtype)


def _generated(source: Source, dataset: DataSet, dtype: Dtype) -> TrainingData:
    if source.is_text:
        return TrainingData(*synthetic.text(source, dataset, "train"), *synthetic.text(source, dataset, "test"))
    train, train_labels = synthetic.generate(source, dataset, "train")
    test, test_labels = synthetic.generate(source, dataset, "test")
    scaled = _standardised(train, test, dtype) if source.table else (_pixels(train, dtype), _pixels(test, dtype))
    return TrainingData(scaled[0], train_labels, scaled[1], test_labels)


def _shipped(source: Source, shipped: Shipped, dataset: DataSet, dtype: Dtype) -> TrainingData:
    import numpy as np

    holding = shipped.holding()
    _check_digest(dataset, folder.digest_of(holding.files))
    if source.is_text:
        return _text(source, shipped, dataset)
    if not source.table:
        return _shipped_images(source, shipped, dataset, dtype)
    (content,) = shipped.content()
    rows = np.frombuffer(content, "<i2").reshape(-1, source.table.columns)
    parted = holding.samples("train")
    return _features(rows[:parted], rows[parted:], source.table, dataset, dtype)


# ---------------------------------------------------------------- tables


def _features(train: Integers, test: Integers, table: Table, dataset: DataSet, dtype: Dtype) -> TrainingData:
    train_inputs, test_inputs = _standardised(train[:, table.features], test[:, table.features], dtype)
    count = dataset.train_samples
    labels = _classes(train[:count], table), _classes(test, table)
    return TrainingData(train_inputs[:count].copy(), labels[0], test_inputs, labels[1])


def _classes(rows: Integers, table: Table) -> Labels:
    return rows[:, table.label].astype("int64") - table.first_class


def _standardised(train: Integers, test: Integers, dtype: Dtype) -> tuple[Floats, Floats]:
    """(x - mean) / deviation, both of the whole training set, in float64; a constant column becomes 0."""
    import numpy as np

    mean = train.mean(axis=0, dtype=np.float64)
    deviation = train.std(axis=0, dtype=np.float64)
    deviation[deviation == 0] = 1.0
    scaled = [((samples - mean) / deviation).astype(dtype) for samples in (train, test)]
    return scaled[0], scaled[1]


# ---------------------------------------------------------------- text


def _text(source: Source, shipped: Shipped, dataset: DataSet) -> TrainingData:
    """The first characters are trained on, those after all that could be trained on are tested on."""
    import numpy as np

    (content,) = shipped.content()
    _, tokens = np.unique(np.frombuffer(content, np.uint8), return_inverse=True)
    inputs, labels = tokens[:-1], tokens[1:]
    train, test = slice(dataset.train_samples), slice(source.train_samples, None)
    return TrainingData(inputs[train].copy(), labels[train].copy(), inputs[test].copy(), labels[test].copy())


# ---------------------------------------------------------------- images


def _shipped_images(source: Source, shipped: Shipped, dataset: DataSet, dtype: Dtype) -> TrainingData:
    """The first images are trained on, those after all that could be trained on are tested on."""
    import numpy as np

    pixels, labels = (np.frombuffer(content, np.uint8) for content in shipped.content())
    inputs, classes = _pixels(pixels.reshape(-1, *source.shape), dtype), labels.astype(np.int64)
    train, test = slice(dataset.train_samples), slice(source.train_samples, None)
    return TrainingData(inputs[train].copy(), classes[train].copy(), inputs[test].copy(), classes[test].copy())


def _pixels(images: NDArray[np.uint8], dtype: Dtype) -> Floats:
    """(n, height, width, channels) bytes to 0 … 1."""
    import numpy as np

    return np.divide(images, _PIXEL_MAXIMUM, dtype=dtype)


def _fill_from_planes(inputs: Floats, planes: NDArray[np.uint8]) -> None:
    """(n, channels, height, width) bytes to (n, height, width, channels), 0 … 1. A channel at a time is fastest."""
    import numpy as np

    for channel in range(inputs.shape[3]):
        np.divide(planes[:, channel], _PIXEL_MAXIMUM, out=inputs[..., channel], dtype=inputs.dtype)


class _Reader:
    """Reads the stored files of one data set and hashes every one of them whole on the way, used in full or not."""

    def __init__(self, source: Source, holding: Holding, dataset: DataSet) -> None:
        self._source, self._holding, self._dataset = source, holding, dataset
        self._files = holding.files_used(dataset.train_samples)
        self._hashes: dict[str, str] = {}
        self._layouts = {part.file: part.layout for part in source.parts}

    def rows(self, table: Table) -> tuple[Integers, Integers]:
        """The rows of the text files, training set first; nothing is parsed before its hash is right."""
        import numpy as np

        texts = [self._content(file, file.bytes).tobytes() for file in self._files]
        self._check()
        train, test = (np.fromstring(text, np.int64, sep=" ") for text in texts)
        return train.reshape(-1, table.columns), test.reshape(-1, table.columns)

    def images(self, dtype: Dtype) -> TrainingData:
        train = self._images_of("train", self._dataset.train_samples, dtype)
        test = self._images_of("test", self._dataset.test_samples, dtype)
        self._check()
        return TrainingData(*train, *test)

    def _images_of(self, role: Role, count: int, dtype: Dtype) -> tuple[Floats, Labels]:
        """The first `count` images and labels of all files of the role."""
        import numpy as np

        inputs = np.empty((count, *self._source.shape), dtype)
        labels = np.empty(count, np.int64)
        for file in self._files:
            if file.role == role:
                wanted = slice(file.first, min(count, file.first + file.samples))
                self._fill(file, inputs[wanted], labels[wanted])
        return inputs, labels

    def _fill(self, file: StoredFile, inputs: Floats, labels: Labels) -> None:
        """Each layout fills what it has: inputs, labels, or both."""
        layout = self._layouts[file.name]
        start = layout.header_bytes
        record_bytes = (file.bytes - start) // file.samples
        content = self._content(file, start + len(labels) * record_bytes)
        records = content[start:].reshape(len(labels), record_bytes)
        height, width, channels = self._source.shape
        if layout.has_labels:
            labels[:] = records[:, 0]
        if layout.has_inputs:
            pixels = records[:, 1:] if layout.has_labels else records
            _fill_from_planes(inputs, pixels.reshape(-1, channels, height, width))

    def _content(self, file: StoredFile, wanted_bytes: int) -> NDArray[np.uint8]:
        path = folder.path_of(self._source, self._holding, file)
        content, self._hashes[file.name] = _read_and_hash(path, wanted_bytes)
        if len(content) != wanted_bytes:
            raise _not_as_planned(self._dataset)
        return content

    def _check(self) -> None:
        """Raises DataSetError unless what was read has the data set's sha256."""
        _check_digest(
            self._dataset, folder.digest_of_files((file.name, self._hashes[file.name]) for file in self._files)
        )


def _read_and_hash(path: Path, wanted_bytes: int) -> tuple[NDArray[np.uint8], str]:
    """The file's first bytes, and the hash of all of it; the rest passes through in small pieces."""
    import numpy as np

    digest = hashlib.sha256()
    with path.open("rb") as file:
        content = np.fromfile(file, np.uint8, wanted_bytes)
        digest.update(content.data)
        while chunk := file.read(_HASH_BYTES):
            digest.update(chunk)
    return content, digest.hexdigest()


def _check_digest(dataset: DataSet, found: str) -> None:
    if found != dataset.sha256:
        raise _not_as_planned(dataset)


def _not_as_planned(dataset: DataSet) -> DataSetError:
    return DataSetError(
        f"The stored files of {dataset.name} are not those that this run was planned with (sha256 "
        f"{dataset.sha256[:16]}…): they were changed or damaged. See `python manage.py datasets verify {dataset.name}`."
    )
