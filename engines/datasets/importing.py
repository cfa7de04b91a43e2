"""Taking a local file, folder or archive into the data folder: found by name, unpacked, checked, put in place."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn, Protocol, get_args

from engines.contract import DataSource
from engines.datasets import folder
from engines.datasets.folder import Holding, StoredFile
from engines.datasets.source import Layout, MisfitError, Part, Role, Source
from engines.errors import DataSetError


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


_UNPACKERS: dict[str, Callable[[IO[bytes]], _Readable]] = {
    ".gz": lambda packed: gzip.GzipFile(fileobj=packed),
    ".xz": lzma.LZMAFile,
    ".bz2": bz2.BZ2File,
}
_ARCHIVE_ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")
_UNREADABLE = (OSError, EOFError, tarfile.TarError, lzma.LZMAError, zlib.error)
_COPY_BYTES = 1 << 20
_FOLDER_PATTERNS = ("*", "*/*")


@dataclass(frozen=True)
class _Staged:
    part: Part
    sha256: str
    bytes: int


def files_to_read(source: Source, path: Path) -> list[Path]:
    """The files to read: of a folder those named like parts, else its one archive."""
    if not path.exists():
        raise DataSetError(f"There is no file or folder {path}.")
    if path.is_file():
        return [path]
    entries = sorted(entry for pattern in _FOLDER_PATTERNS for entry in path.glob(pattern) if entry.is_file())
    parts = [entry for entry in entries if _part_named(source, entry.name)]
    return parts or _archives(source, entries) or _refuse(source, "the folder has neither these files nor an archive")


def install(source: Source, paths: Sequence[Path]) -> Holding:
    """Unpack these files and archives, check them and make them the current ones."""
    with folder.staging(source) as staged:
        found: dict[str, _Staged] = {}
        for path in paths:
            _stage(source, path, staged, found)
        files = _stored_files(source, staged, found)
        return folder.put_in_place(source, staged, _origin(source, paths, files), files)


def _archives(source: Source, entries: list[Path]) -> list[Path]:
    archives = [entry for entry in entries if entry.name.endswith(_ARCHIVE_ENDINGS)]
    fitting = [archive for archive in archives if source.name in archive.name.replace("-", "").lower()]
    if len(fitting) > 1:
        raise DataSetError(f"There are several archives: name one of {', '.join(entry.name for entry in fitting)}.")
    return fitting


def _part_named(source: Source, file_name: str) -> Part | None:
    """The part that a file is by its name, packed or not; MNIST's files also go by train-images.idx3-ubyte."""
    bare = file_name
    for ending in _UNPACKERS:
        bare = bare.removesuffix(ending)
    bare = bare.replace(".idx", "-idx")
    return next((part for part in source.parts if part.file == bare), None)


def _stage(source: Source, path: Path, staged: Path, found: dict[str, _Staged]) -> None:
    try:
        for file_name, stream in _streams(source, path):
            part = _part_named(source, file_name)
            if part is None:
                continue
            if part.file in found:
                raise DataSetError(f"{part.file} is there twice: name a folder or an archive that has it once.")
            found[part.file] = _copied(part, file_name, stream, staged)
    except _UNREADABLE as error:
        raise DataSetError(f"{path.name} is damaged or cut off and cannot be unpacked ({error}).") from error


def _streams(source: Source, path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The file itself if it is named like a part, else the plain files inside the archive that it must be."""
    if _part_named(source, path.name):
        with path.open("rb") as file:
            yield path.name, file
        return
    if not tarfile.is_tarfile(path):
        _refuse(source, f"{path.name} is none of these")
    with tarfile.open(path) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream:
                yield Path(member.name).name, stream


def _copied(part: Part, file_name: str, stream: IO[bytes], staged: Path) -> _Staged:
    unpack = _UNPACKERS.get(Path(file_name).suffix)
    unpacked: _Readable = unpack(stream) if unpack else stream
    digest, size = hashlib.sha256(), 0
    target = staged / part.file
    with target.open("wb") as file:
        while chunk := unpacked.read(_COPY_BYTES):
            digest.update(chunk)
            size += len(chunk)
            with folder.writing_to(staged.parent):
                file.write(chunk)
                file.flush()
    return _Staged(part, digest.hexdigest(), size)


def _stored_files(source: Source, staged: Path, found: dict[str, _Staged]) -> tuple[StoredFile, ...]:
    """The files in the order of the catalogue, each with the samples that it holds."""
    _check_complete(source, found)
    files: list[StoredFile] = []
    next_first: dict[tuple[Role, Layout], int] = {}
    for part in source.parts:
        if part.file in found:
            samples = _count_samples(staged / part.file, part)
            first = next_first.get((part.role, part.layout), 0)
            next_first[part.role, part.layout] = first + samples
            item = found[part.file]
            files.append(StoredFile(part.file, part.role, first, samples, item.bytes, item.sha256))
    _check_labelled(source, next_first)
    return tuple(files)


def _check_complete(source: Source, found: dict[str, _Staged]) -> None:
    """At least one file of each kind: CIFAR-10 may come with fewer training batches than five."""
    wanted = {(part.role, part.layout): part.file for part in source.parts[::-1]}
    there = {(item.part.role, item.part.layout) for item in found.values()}
    missing = [file for kind, file in wanted.items() if kind not in there]
    if missing:
        _refuse(source, f"{' and '.join(sorted(missing))} missing")


def _count_samples(path: Path, part: Part) -> int:
    """Raises DataSetError that says what was expected and what was found."""
    try:
        samples = part.layout.count(path)
        if samples == 0:
            raise MisfitError("it has no samples")
    except MisfitError as error:
        raise DataSetError(f"{part.file} does not fit: {error}. Expected: {part.layout.expected}.") from error
    return samples


def _check_labelled(source: Source, counts: dict[tuple[Role, Layout], int]) -> None:
    """Where inputs and labels lie in files of their own, there are as many of either."""
    for role in get_args(Role):
        own = {layout: count for (each, layout), count in counts.items() if each == role}
        images = sum(count for layout, count in own.items() if layout.has_inputs)
        labels = sum(count for layout, count in own.items() if layout.has_labels)
        if images != labels:
            _refuse(source, f"{images:,} {role} images have {labels:,} labels")


def _refuse(source: Source, problem: str) -> NoReturn:
    raise DataSetError(f"This is no {source.title} that can be read: {problem}. Expected: {source.expected_files}.")


def _origin(source: Source, paths: Sequence[Path], files: tuple[StoredFile, ...]) -> DataSource:
    """The official files are the same data however they came: `imported` is for all others."""
    if not _is_official(source, paths, files):
        return "imported"
    return "shipped" if source.shipped else "downloaded"


def _is_official(source: Source, paths: Sequence[Path], files: tuple[StoredFile, ...]) -> bool:
    if all(part.sha256 for part in source.parts):
        return {file.sha256 for file in files} == {part.sha256 for part in source.parts}
    sizes = {item.bytes for item in source.downloads}
    hashes = {folder.sha256_of(path) for path in paths if path.stat().st_size in sizes}
    return hashes == {item.sha256 for item in source.downloads} and len(paths) == len(hashes)
