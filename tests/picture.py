"""`make picture`: the README's picture of the dashboard, of what this machine measured.

`make findings`: the pictures of docs/findings.md, of the results that ship.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests import chromium

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"


@dataclass(frozen=True)
class Shot:
    """A picture of a page, or of its first part that the selector names."""

    name: str
    address: str
    selector: str = ""
    height: int = 1150

    def take(self, page: Page, site: str) -> None:
        page.set_viewport_size({"width": 1280, "height": self.height})
        page.goto(site.rstrip("/") + self.address)
        page.wait_for_load_state("networkidle")
        target = page.locator(self.selector).first if self.selector else page
        target.screenshot(path=IMAGES / f"{self.name}.png")


DASHBOARD = (Shot("dashboard", "/"),)
MACHINE = "cloud-2-cores"


MEASURED_ON = {"gru": "2026-11-29", "lstm": "2026-11-29", "resnet": "2026-11-30", "transformer": "2026-11-30"}
"""Each family's last day among the results that ship: the experiment's address has it."""
FINDINGS = (
    *(
        Shot(f"findings-{family}", f"/?experiment=families-{MACHINE}-{day}", f"section:has(#{family}_cpu)")
        for family, day in MEASURED_ON.items()
    ),
    Shot(
        "findings-front",
        f"/inference/?experiment=inference-{MACHINE}-2026-11-29&network=mlp-8x100",
        ".panels > figure:nth-child(4)",
    ),
)


@contextmanager
def _served(variables: dict[str, str]) -> Iterator[str]:
    """The address of a dashboard."""
    server = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", "8901"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | variables,
    )
    assert server.stdout is not None
    try:
        yield next(found[0] for line in server.stdout if (found := re.search(r"http://\S+", line)))
    finally:
        server.terminate()
        server.wait(timeout=20)


def _take(shots: Sequence[Shot], variables: dict[str, str]) -> None:
    IMAGES.mkdir(exist_ok=True)
    with _served(variables) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=chromium.ARGUMENTS)
        page = browser.new_page(color_scheme="light")
        for shot in shots:
            shot.take(page, address)
        browser.close()


def main() -> None:
    if sys.argv[1:] != ["findings"]:
        _take(DASHBOARD, {})
        return
    with tempfile.TemporaryDirectory(prefix="benchsite-findings-") as folder:
        variables = {"BENCHSITE_VAR": folder}
        for command in ("migrate", "loadstudy", "loadresults"):
            words = [sys.executable, "manage.py", command, "--verbosity", "0"]
            subprocess.run(words, cwd=ROOT, check=True, env=os.environ | variables)
        _take(FINDINGS, variables)


if __name__ == "__main__":
    main()
