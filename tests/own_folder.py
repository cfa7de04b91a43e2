"""A pytest plug-in: tests never touch the developer's own var/ folder.

No conftest, since pytest-django reads the settings before any.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_FOLDER = tempfile.TemporaryDirectory(prefix="benchsite-test-", ignore_cleanup_errors=True)
os.environ["BENCHSITE_VAR"] = _FOLDER.name
(Path(_FOLDER.name) / "static").mkdir()  # whitenoise warns where there is none yet
