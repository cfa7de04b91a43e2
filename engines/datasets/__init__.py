"""Data sets by name. The host describes, lists, fetches, verifies and imports them; the worker loads them.

Standard library only, apart from `load`, which imports NumPy when it is called.
"""

from engines.contract import DataSet
from engines.datasets.available import (
    DataSetStatus,
    are_images,
    describe,
    fetch,
    import_files,
    sample_of,
    status,
    title,
    verify,
)
from engines.datasets.folder import data_dir
from engines.datasets.loading import load
from engines.datasets.source import Progress

__all__ = [
    "DataSet",
    "DataSetStatus",
    "Progress",
    "are_images",
    "data_dir",
    "describe",
    "fetch",
    "import_files",
    "load",
    "sample_of",
    "status",
    "title",
    "verify",
]
