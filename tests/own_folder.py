"""A pytest plug-in: tests never touch the developer's own var/ folder, nor wait for what is measured meanwhile.

No conftest, since pytest-django reads the settings before any.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_FOLDER = tempfile.TemporaryDirectory(prefix="benchsite-test-", ignore_cleanup_errors=True)
os.environ["BENCHSITE_VAR"] = _FOLDER.name
os.environ["BENCHSITE_LOCK"] = str(Path(_FOLDER.name) / "machine.lock")
(Path(_FOLDER.name) / "static").mkdir()  # whitenoise warns where there is none yet
