"""Small files in the layouts of the real data sets, made from a seed."""

from __future__ import annotations

import io
import struct
import tarfile
from pathlib import Path

import numpy as np

RECORD = 3073


def cifar_batch(records: int, seed: int) -> bytes:
    generator = np.random.default_rng(seed)
    batch = generator.integers(0, 256, (records, RECORD), dtype=np.uint8)
    batch[:, 0] = generator.integers(0, 10, records)
    return batch.tobytes()


def cifar_files(batches: int = 2, records: int = 20, test_records: int = 10) -> dict[str, bytes]:
    train = {f"data_batch_{number}.bin": cifar_batch(records, number) for number in range(1, batches + 1)}
    return {**train, "test_batch.bin": cifar_batch(test_records, 99)}


def write(path: Path, files: dict[str, bytes]) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (path / name).write_bytes(content)
    return path


def tar_of(files: dict[str, bytes], mode: str, prefix: str = "cifar-10-batches-bin/") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{mode}") as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def shuttle_text(rows: int, seed: int = 0) -> bytes:
    generator = np.random.default_rng(seed)
    features = generator.integers(-500, 500, (rows, 9))
    classes = generator.integers(1, 8, (rows, 1))
    return b"".join(b" ".join(b"%d" % value for value in row) + b"\n" for row in np.hstack([features, classes]))


def mnist_files(train: int = 30, test: int = 12) -> dict[str, bytes]:
    generator = np.random.default_rng(5)
    files = {}
    for role, count in (("train", train), ("t10k", test)):
        pixels = generator.integers(0, 256, count * 28 * 28, dtype=np.uint8).tobytes()
        labels = generator.integers(0, 10, count, dtype=np.uint8).tobytes()
        files[f"{role}-images-idx3-ubyte"] = struct.pack(">IIII", 0x803, count, 28, 28) + pixels
        files[f"{role}-labels-idx1-ubyte"] = struct.pack(">II", 0x801, count) + labels
    return files
