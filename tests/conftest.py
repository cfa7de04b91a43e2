"""What all tests share."""

from __future__ import annotations

import os

import hypothesis

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

# No timing is asserted, so a busy machine fails nothing. The same cases each time, so that a failure can be had again.
hypothesis.settings.register_profile(
    "benchsite",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("benchsite")
