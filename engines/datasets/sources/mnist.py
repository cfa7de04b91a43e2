"""MNIST: handwritten digits."""

from __future__ import annotations

from engines.datasets import idx
from engines.datasets.source import Source

_FOLDERS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
SOURCE = Source(
    name="mnist",
    title="MNIST",
    unit="images",
    shape=(28, 28, 1),
    classes=10,
    train_samples=60_000,
    test_samples=10_000,
    parts=idx.PARTS,
    expected_files=idx.EXPECTED_FILES,
    licence="none stated",
    reference="http://yann.lecun.com/exdb/mnist/",
    majority_share=0.1135,
    downloads=idx.downloads(
        _FOLDERS,
        (
            (
                "train-images-idx3-ubyte",
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                9_912_422,
            ),
            ("train-labels-idx1-ubyte", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
            ("t10k-images-idx3-ubyte", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
            ("t10k-labels-idx1-ubyte", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
        ),
    ),
    unpacked_bytes=54_950_048,
    place=3,
)
