"""The browser of the tests: found, or made sure of by `python -m tests.chromium`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache

from engines.environments import system

# Headless in a container, as root, and silent: a browser under test talks to nobody but the server under test.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_START_SECONDS = 60


@cache
def executable() -> str | None:
    """The path of an installed browser that starts, for Playwright's `executable_path`; None means Playwright's own."""
    return next((path for path in map(shutil.which, _NAMES) if path and _starts(path)), None)


def _starts(path: str) -> bool:
    """Ubuntu's `chromium-browser` is often a stub that only names another way to install it."""
    command = [path, "--headless", *ARGUMENTS, "--version"]
    try:
        return subprocess.run(command, capture_output=True, timeout=_START_SECONDS).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def provide() -> None:
    """Install a browser by package name where there is none, else let Playwright fetch its own; exits if neither."""
    if executable() or _playwright_has_one():
        return
    system.provide(system.missing(["browser"], system.this_python()), say=_say)
    executable.cache_clear()
    if executable():
        return
    _say("Fetching Playwright's own Chromium (about 170 MB).")
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], capture_output=True)
    if not _playwright_has_one():
        sys.exit("The browser tests need Chromium, and it cannot be had here. Install it so that `chromium` starts.")


def _playwright_has_one() -> bool:
    """Asked in a process of its own: Playwright's event loop would stay behind."""
    script = (
        "from playwright.sync_api import sync_playwright as play\n"
        "with play() as playwright: playwright.chromium.launch().close()"
    )
    return subprocess.run([sys.executable, "-c", script], capture_output=True).returncode == 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    provide()
