"""Fashion-MNIST: grey pictures of clothes, in MNIST's form."""

from __future__ import annotations

from engines.datasets import idx
from engines.datasets.source import Source

_FOLDERS = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",)
SOURCE = Source(
    name="fashion-mnist",
    title="Fashion-MNIST",
    unit="images",
    shape=(28, 28, 1),
    classes=10,
    train_samples=60_000,
    test_samples=10_000,
    parts=idx.PARTS,
    expected_files=idx.EXPECTED_FILES,
    licence="MIT",
    reference="https://github.com/zalandoresearch/fashion-mnist",
    majority_share=0.1,
    downloads=idx.downloads(
        _FOLDERS,
        (
            (
                "train-images-idx3-ubyte",
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                26_421_880,
            ),
            ("train-labels-idx1-ubyte", "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515),
            ("t10k-images-idx3-ubyte", "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102),
            ("t10k-labels-idx1-ubyte", "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148),
        ),
    ),
    unpacked_bytes=54_950_048,
    system_folder="/usr/share/datasets/fashion-mnist",
    place=4,
)
