"""What all tests share: the site's settings, away from the machine's own database, spool and data."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Before Django reads its settings: tests never touch the developer's own var/ folder.
os.environ["BENCHSITE_VAR"] = tempfile.mkdtemp(prefix="benchsite-test-")
(Path(os.environ["BENCHSITE_VAR"]) / "static").mkdir()  # whitenoise warns where there is none yet
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
