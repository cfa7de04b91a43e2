"""`make picture`: the README's picture of the dashboard, of what this machine measured."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests import chromium

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "dashboard.png"


@contextmanager
def _served() -> Iterator[str]:
    """The address of a dashboard over the real database."""
    server = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", "8901"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    try:
        yield next(found[0] for line in server.stdout if (found := re.search(r"http://\S+", line)))
    finally:
        server.terminate()
        server.wait(timeout=20)


def main() -> None:
    PICTURE.parent.mkdir(exist_ok=True)
    with _served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=chromium.ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 1150})
        page.goto(address)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
