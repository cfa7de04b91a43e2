"""CIFAR-10: colour photographs of ten kinds of things."""

from __future__ import annotations

from pathlib import Path

from engines.datasets.source import Download, Layout, MisfitError, Part, Source, check_byte_labels

CIFAR_RECORD_BYTES = 1 + 3 * 32 * 32


def _count_cifar(path: Path) -> int:
    samples, rest = divmod(path.stat().st_size, CIFAR_RECORD_BYTES)
    if rest:
        raise MisfitError(f"its {path.stat().st_size:,} bytes are not a multiple of {CIFAR_RECORD_BYTES:,}")
    with path.open("rb") as file:
        while block := file.read(1000 * CIFAR_RECORD_BYTES):
            check_byte_labels(block[::CIFAR_RECORD_BYTES])
    return samples


_BINARY = Layout(
    "cifar-binary",
    "records of 3,073 bytes: a label 0 to 9, then 32x32 red, green and blue pixels",
    _count_cifar,
)
SOURCE = Source(
    name="cifar10",
    title="CIFAR-10",
    unit="images",
    shape=(32, 32, 3),
    classes=10,
    train_samples=50_000,
    test_samples=10_000,
    parts=(
        *(Part(f"data_batch_{number}.bin", "train", _BINARY) for number in range(1, 6)),
        Part("test_batch.bin", "test", _BINARY),
    ),
    expected_files="cifar-10-binary.tar.gz, or a folder or archive with data_batch_1.bin (up to _5) and test_batch.bin",
    licence="none stated",
    reference="https://www.cs.toronto.edu/~kriz/cifar.html",
    majority_share=0.1,
    downloads=(
        Download(
            "cifar-10-binary.tar.gz",
            ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            170_052_171,
        ),
    ),
    unpacked_bytes=184_380_000,
    place=2,
)
