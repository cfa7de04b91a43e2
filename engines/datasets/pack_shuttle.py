"""`python -m engines.datasets.pack_shuttle FOLDER`: make the shipped file from shuttle.trn.xz and shuttle.tst.xz."""

from __future__ import annotations

import hashlib
import lzma
import struct
import sys
from pathlib import Path

from engines.datasets.sources.shuttle import SHIPPED_FILE, SOURCE


def pack(texts: list[bytes]) -> bytes:
    """Every integer of the texts, in order, as little-endian int16, then xz."""
    values = [int(field) for text in texts for field in text.split()]
    return lzma.compress(struct.pack(f"<{len(values)}h", *values))


def unpack(packed: bytes, rows: slice, columns: int = 10) -> bytes:
    """The text of these rows, byte for byte as UCI has it."""
    content = lzma.decompress(packed)
    values = struct.unpack(f"<{len(content) // 2}h", content)
    starts = range(0, len(values), columns)[rows]
    return "".join(" ".join(map(str, values[start : start + columns])) + "\n" for start in starts).encode()


def main(folder: Path) -> None:
    texts = []
    for part in SOURCE.parts:
        text = lzma.decompress((folder / f"{part.file}.xz").read_bytes())
        if hashlib.sha256(text).hexdigest() != part.sha256:
            raise SystemExit(f"{part.file} is not the official file.")
        texts.append(text)
    packed = pack(texts)
    SHIPPED_FILE.write_bytes(packed)
    sys.stdout.write(f"{SHIPPED_FILE.name}: {len(packed):,} bytes, sha256 {hashlib.sha256(packed).hexdigest()}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
