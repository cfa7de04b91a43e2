"""Python's cycle collector, for processes that handle many thousands of records."""

from __future__ import annotations

import gc


def collect_seldom() -> None:
    """Look for garbage after 10,000 new objects, not 700, and never through what is loaded by now.

    Otherwise the collector goes through all of it in the middle of requests, and takes a fifth of a large upload.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
