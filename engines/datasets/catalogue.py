"""Which data sets there are: their files, official addresses and checksums, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from engines.errors import DataSetError

Role = Literal["train", "test"]
Layout = Literal["shuttle-text", "cifar-binary", "idx-images", "idx-labels"]

EXPECTED: dict[Layout, str] = {
    "shuttle-text": "lines of ten integers, the last one the class, 1 to 7",
    "cifar-binary": "records of 3,073 bytes: a label 0 to 9, then 32x32 red, green and blue pixels",
    "idx-images": "an IDX file of 28x28 images (magic number 0x00000803)",
    "idx-labels": "an IDX file of labels 0 to 9 (magic number 0x00000801)",
}


@dataclass(frozen=True)
class Part:
    """One file of samples as it lies unpacked in the data folder; `sha256` is the official file's, if known."""

    file: str
    role: Role
    layout: Layout
    sha256: str | None = None


@dataclass(frozen=True)
class Download:
    """One official file; the addresses are tried in order."""

    file: str
    addresses: tuple[str, ...]
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Progress:
    """How much of a download is there."""

    file: str
    done_bytes: int
    total_bytes: int


ProgressCallback = Callable[[Progress], None]
FIRST_CONTACT_SECONDS = 10.0


@dataclass(frozen=True)
class Source:
    """A data set. `shape` is one sample's as engines see it; the sample counts are the official ones."""

    name: str
    title: str
    unit: Literal["samples", "images"]
    shape: tuple[int, ...]
    classes: int
    train_samples: int
    test_samples: int
    parts: tuple[Part, ...]
    expected_files: str
    licence: str
    reference: str
    downloads: tuple[Download, ...] = ()
    unpacked_bytes: int = 0
    synthetic: bool = False
    majority_share: float | None = None
    """What always guessing the commonest class is right on, of the test samples."""
    system_folder: str = ""
    """Where a system's package puts the same files: taken from there before anything is downloaded."""

    @property
    def is_shipped(self) -> bool:
        return not self.downloads and not self.synthetic

    @property
    def download_bytes(self) -> int:
        return sum(item.bytes for item in self.downloads)


_SHUTTLE = Source(
    name="shuttle",
    title="Shuttle",
    unit="samples",
    shape=(8,),
    classes=7,
    train_samples=43_500,
    test_samples=14_500,
    parts=(
        Part(
            "shuttle.trn", "train", "shuttle-text", "87b24ee9fb5137e1d417659cf905d84d0e15342bbaa60770f1ae83da1a38200a"
        ),
        Part("shuttle.tst", "test", "shuttle-text", "f776934a628d9b94c482cb058a76ddaa63823e0f74aec065813c9dff3b89d661"),
    ),
    expected_files="shuttle.trn and shuttle.tst, plain or as .xz or .gz",
    licence="CC BY 4.0",
    majority_share=11_478 / 14_500,
    reference="https://doi.org/10.24432/C5WS31",
)

_CIFAR10 = Source(
    name="cifar10",
    title="CIFAR-10",
    unit="images",
    shape=(32, 32, 3),
    classes=10,
    train_samples=50_000,
    test_samples=10_000,
    parts=(
        *(Part(f"data_batch_{number}.bin", "train", "cifar-binary") for number in range(1, 6)),
        Part("test_batch.bin", "test", "cifar-binary"),
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
)


_MNIST_FOLDERS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
_FASHION_FOLDERS = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",)
_IDX_PARTS = (
    Part("train-images-idx3-ubyte", "train", "idx-images"),
    Part("train-labels-idx1-ubyte", "train", "idx-labels"),
    Part("t10k-images-idx3-ubyte", "test", "idx-images"),
    Part("t10k-labels-idx1-ubyte", "test", "idx-labels"),
)
_IDX_FILES = (
    "the four files train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte "
    "and t10k-labels-idx1-ubyte, plain or as .gz"
)


def _idx_files(folders: tuple[str, ...], files: Iterable[tuple[str, str, int]]) -> tuple[Download, ...]:
    """Of each file its name, sha256 and size."""
    return tuple(
        Download(f"{file}.gz", tuple(f"{folder}{file}.gz" for folder in folders), sha256, size)
        for file, sha256, size in files
    )


_MNIST = Source(
    name="mnist",
    title="MNIST",
    unit="images",
    shape=(28, 28, 1),
    classes=10,
    train_samples=60_000,
    test_samples=10_000,
    parts=_IDX_PARTS,
    expected_files=_IDX_FILES,
    licence="none stated",
    reference="http://yann.lecun.com/exdb/mnist/",
    majority_share=0.1135,
    downloads=_idx_files(
        _MNIST_FOLDERS,
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
)

_FASHION_MNIST = Source(
    name="fashion-mnist",
    title="Fashion-MNIST",
    unit="images",
    shape=(28, 28, 1),
    classes=10,
    train_samples=60_000,
    test_samples=10_000,
    parts=_IDX_PARTS,
    expected_files=_IDX_FILES,
    licence="MIT",
    reference="https://github.com/zalandoresearch/fashion-mnist",
    majority_share=0.1,
    downloads=_idx_files(
        _FASHION_FOLDERS,
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
)

_FASHION_MNIST_10K = Source(
    name="fashion-mnist-10k",
    title="Fashion-MNIST's test images",
    unit="images",
    shape=(28, 28, 1),
    classes=10,
    train_samples=8_000,
    test_samples=2_000,
    parts=(),
    expected_files="",
    licence="MIT",
    reference="https://github.com/zalandoresearch/fashion-mnist",
    majority_share=224 / 2_000,
)

SYNTHETIC_PREFIX = "synthetic-"


def _synthetic_twin(source: Source) -> Source:
    """Generated samples of the same shape and number; the name says what they are wherever it is shown."""
    return replace(
        source,
        name=SYNTHETIC_PREFIX + source.name,
        title=f"Synthetic {source.unit} (shaped like {source.title})",
        parts=(),
        expected_files="",
        licence="generated",
        reference="",
        downloads=(),
        unpacked_bytes=0,
        majority_share=None,
        synthetic=True,
    )


def _by_name(sources: Iterable[Source]) -> dict[str, Source]:
    return {source.name: source for source in sources}


_REAL = (_SHUTTLE, _CIFAR10, _MNIST, _FASHION_MNIST, _FASHION_MNIST_10K)
SOURCES = _by_name([*_REAL, *map(_synthetic_twin, _REAL)])


def find(name: str) -> Source:
    """Raises DataSetError naming the known ones."""
    if name not in SOURCES:
        raise DataSetError(f"There is no data set {name!r}. Known data sets: {', '.join(SOURCES)}.")
    return SOURCES[name]


def find_real(name: str) -> Source:
    """The same, for what has files; raises DataSetError for a synthetic set."""
    source = find(name)
    if source.synthetic:
        raise DataSetError(f"{source.title} are generated anew by each run: there are no files to fetch or import.")
    return source


def find_importable(name: str) -> Source:
    """The same, for what may be other files than ours; raises DataSetError for what ships as it is."""
    source = find_real(name)
    if not source.parts:
        raise DataSetError(f"{source.title} ship with Benchsite: there are no files to import.")
    return source
