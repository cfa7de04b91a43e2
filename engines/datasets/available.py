"""What data sets there are on this machine: describing them for a run, listing, fetching and verifying them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engines.contract import DataSet, DataSource, SampleShape
from engines.datasets import folder
from engines.datasets.catalogue import SOURCES, SYNTHETIC_PREFIX, find, find_importable, find_real
from engines.datasets.folder import Holding, StoredFile
from engines.datasets.source import FIRST_CONTACT_SECONDS, ProgressCallback, Source
from engines.datasets.synthetic import recipe_hash
from engines.errors import DataSetError, MissingDataSetError

State = Literal["ready", "missing", "damaged"]


@dataclass(frozen=True)
class DataSetStatus:
    """A line of the listing. What is not known of a missing or damaged set is None or 0."""

    name: str
    title: str
    state: State
    source: DataSource | None
    sha256: str | None
    train_samples: int
    test_samples: int
    stored_bytes: int
    download_bytes: int
    address: str | None
    licence: str
    reference: str
    note: str = ""


def describe(name: str, *, train_samples: int | None = None, synthetic: bool = False) -> DataSet:
    """What a run on this data set would train on, with all of its training samples or the first `train_samples`.

    Raises MissingDataSetError that names the choices if there are no files, DataSetError if they are damaged or hold
    fewer samples.
    """
    source = find(SYNTHETIC_PREFIX + name.removeprefix(SYNTHETIC_PREFIX) if synthetic else name)
    if source.synthetic:
        return _describe_synthetic(source, train_samples)
    holding = holding_of(source)
    if holding is None:
        raise MissingDataSetError(missing_message(source))
    count = _checked_count(source, train_samples, holding.samples("train"))
    digest = folder.digest_of(holding.files_used(count))
    return DataSet(source.name, holding.source, digest, count, holding.samples("test"))


def _describe_synthetic(source: Source, train_samples: int | None) -> DataSet:
    count = _checked_count(source, train_samples, source.train_samples)
    return DataSet(source.name, "synthetic", recipe_hash(source), count, source.test_samples)


def _checked_count(source: Source, wanted: int | None, there: int) -> int:
    if wanted is not None and not 1 <= wanted <= there:
        raise DataSetError(
            f"{source.title} has {there:,} training {source.unit} here: choose 1 to {there:,}, not {wanted:,}."
        )
    return wanted or there


def holding_of(source: Source) -> Holding | None:
    """What was fetched or imported, else what ships with the project, else None; raises DataSetError if damaged."""
    return folder.read_holding(source) or (source.shipped.holding() if source.shipped else None)


def sample_of(name: str) -> SampleShape | None:
    """What the samples of a data set are; None for one that is not known here."""
    source = SOURCES.get(name)
    return SampleShape(source.shape, source.classes) if source else None


def are_images(name: str) -> bool:
    source = SOURCES.get(name)
    return source is not None and source.unit == "images"


def missing_message(source: Source) -> str:
    fetching = (
        f"fetch it ({source.download_bytes / 1e6:,.0f} MB) with `python manage.py datasets fetch {source.name}`; "
        if source.downloads
        else ""
    )
    return (
        f"{source.title} is not on this machine. Choose one: {fetching}name a copy that you have with "
        f"`python manage.py datasets import {source.name} PATH`; or run on generated {source.unit} with `--synthetic`."
    )


def title(dataset: DataSet) -> str:
    """For people: what the samples are, how many, and where they are from if they are not the official ones."""
    source = find(dataset.name)
    text = f"{source.title}, {dataset.train_samples:,} {source.unit}"
    return f"{text}, imported files" if dataset.source == "imported" else text


# ---------------------------------------------------------------- listing and verifying


def status() -> list[DataSetStatus]:
    """Every data set; never raises for one that is missing or damaged."""
    return [_status_of(source) for source in SOURCES.values()]


def _status_of(source: Source) -> DataSetStatus:
    if source.synthetic:
        return _line(source, "ready", describe(source.name), note="generated anew by each run")
    try:
        holding = holding_of(source)
    except DataSetError as error:
        return _line(source, "damaged", note=str(error))
    if holding is None:
        return _line(source, "missing", note=missing_message(source))
    return _line(source, "ready", describe(source.name), holding.bytes)


def _line(
    source: Source, state: State, dataset: DataSet | None = None, stored_bytes: int = 0, note: str = ""
) -> DataSetStatus:
    return DataSetStatus(
        name=source.name,
        title=source.title,
        state=state,
        source=dataset.source if dataset else None,
        sha256=dataset.sha256 if dataset else None,
        train_samples=dataset.train_samples if dataset else 0,
        test_samples=dataset.test_samples if dataset else 0,
        stored_bytes=stored_bytes,
        download_bytes=source.download_bytes,
        address=source.downloads[0].addresses[0] if source.downloads else None,
        licence=source.licence,
        reference=source.reference,
        note=note,
    )


def verify(name: str) -> DataSet:
    """Reads every stored file and compares its hash with the recorded one; raises DataSetError if one is wrong."""
    source = find(name)
    dataset = describe(name)
    if dataset.source == "shipped" and source.shipped:
        source.shipped.content()
    holding = None if source.synthetic else folder.read_holding(source)
    if holding and not all(_is_intact(source, holding, file) for file in holding.files):
        raise folder.damaged(source)
    return dataset


def _is_intact(source: Source, holding: Holding, file: StoredFile) -> bool:
    return folder.sha256_of(folder.path_of(source, holding, file)) == file.sha256


# ---------------------------------------------------------------- getting files; workers import none of this


def import_files(name: str, path: Path) -> DataSet:
    """Makes these files the current ones: a file, a folder or a tar archive.

    Raises DataSetError that says what was expected if they do not fit; what was stored before then stays.
    """
    from engines.datasets.importing import files_to_read, install

    source = find_importable(name)
    install(source, files_to_read(source, path.expanduser()))
    return describe(name)


def fetch(
    name: str, *, progress: ProgressCallback | None = None, timeout_seconds: float = FIRST_CONTACT_SECONDS
) -> DataSet:
    """Makes the official files the current ones: downloads them, or goes back to those that ship with the project.

    Where a package of the system has put them on the disk, they are taken from there; from a folder without them, not.

    Does nothing if they are there and undamaged. Raises DataSetError with what to do if that fails.
    """
    source = find_real(name)
    if source.shipped:
        folder.forget(source)
    elif not source.downloads:
        raise DataSetError(f"{source.title} has no address to fetch it from: {missing_message(source)}")
    elif not _has_official_files(source) and not _is_taken_from_the_system(source):
        _download(source, progress, timeout_seconds)
    return describe(name)


def _is_taken_from_the_system(source: Source) -> bool:
    if not source.system_folder or not Path(source.system_folder).is_dir():
        return False
    try:
        import_files(source.name, Path(source.system_folder))
    except DataSetError:
        return False
    return True


def _has_official_files(source: Source) -> bool:
    try:
        return verify(source.name).source == "downloaded"
    except DataSetError:
        return False


def _download(source: Source, progress: ProgressCallback | None, timeout_seconds: float) -> None:
    from engines.datasets.download import download
    from engines.datasets.importing import install

    downloads = folder.folder_of(source) / ".downloads"
    with folder.writing_to(downloads):
        downloads.mkdir(parents=True, exist_ok=True)
        there = sum(entry.stat().st_size for entry in downloads.iterdir())
    folder.require_space(downloads, source.download_bytes + source.unpacked_bytes - there)
    paths = [download(item, downloads, progress=progress, timeout_seconds=timeout_seconds) for item in source.downloads]
    install(source, paths)
    shutil.rmtree(downloads, ignore_errors=True)
