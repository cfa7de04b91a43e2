"""Pictures of the results that ship: `make picture` takes the README's, `make findings` those of docs/findings.md."""

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
    width: int = 1280

    def take(self, page: Page, site: str) -> None:
        page.set_viewport_size({"width": self.width, "height": self.height})
        page.goto(site.rstrip("/") + self.address)
        page.wait_for_load_state("networkidle")
        target = page.locator(self.selector).first if self.selector else page
        target.screenshot(path=IMAGES / f"{self.name}.png")


MACHINE = "cloud-2-cores"
_DAYS = f"families-{MACHINE}-2026-11-29", f"families-{MACHINE}-2026-11-30"
README = (
    Shot("dashboard", f"/your-case/?network=gru&layers=1&width=64&track=tuned&experiment={_DAYS[0]}", height=1080),
    Shot(
        "compare", f"/compare/?a_experiment={_DAYS[1]}&b_experiment={_DAYS[1]}&a_engine=torch&b_engine=jax", height=1000
    ),
    Shot("phone", f"/?experiment={_DAYS[1]}", height=844, width=390),
)


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
    shots = FINDINGS if sys.argv[1:] == ["findings"] else README
    with tempfile.TemporaryDirectory(prefix="benchsite-findings-") as folder:
        variables = {"BENCHSITE_VAR": folder}
        for command in ("migrate", "loadstudy", "loadresults"):
            words = [sys.executable, "manage.py", command, "--verbosity", "0"]
            subprocess.run(words, cwd=ROOT, check=True, env=os.environ | variables)
        _take(shots, variables)


if __name__ == "__main__":
    main()
