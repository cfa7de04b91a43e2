"""The site as gunicorn serves it to upload tests: it dies after the database has committed, when a file asks for it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchsite.settings")

# Settings are changed before the site is made of them.
from django.conf import settings

settings.STORAGES = settings.STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}

from benchsite.wsgi import application as site  # noqa: E402

DEATH_WARRANT = "die-before-the-answer"


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The view has returned, so its transaction is over; not a byte of the answer is sent yet."""
    answer: Iterable[bytes] = site(environ, start_response)
    warrant = Path(os.environ["BENCHSITE_VAR"]) / DEATH_WARRANT
    if environ["REQUEST_METHOD"] == "POST" and warrant.exists():
        warrant.unlink()
        os.killpg(0, signal.SIGKILL)
    return answer
