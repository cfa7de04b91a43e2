"""Which data sets there are: those whose modules lie in `sources/`, and a generated twin of each."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module

from engines.datasets import sources
from engines.datasets.source import Source
from engines.errors import DataSetError

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
        shipped=None,
        unpacked_bytes=0,
        majority_share=None,
        synthetic=True,
    )


def _by_name(sources: Iterable[Source]) -> dict[str, Source]:
    return {source.name: source for source in sources}


def _found() -> list[Source]:
    names = (name for _, name, _ in pkgutil.iter_modules(sources.__path__))
    modules = (import_module(f"{sources.__name__}.{name}") for name in names)
    found: list[Source] = [module.SOURCE for module in modules]
    return sorted(found, key=lambda source: (source.place, source.name))


_REAL = _found()
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
