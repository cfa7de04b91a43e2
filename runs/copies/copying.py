"""All pages of one experiment as files that need no server: asked of the site as a visitor would, one by one.

While it goes, no other experiment is there for whoever reads, so that nothing of another can come into the copy.
"""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.test import Client
from django.test.utils import override_settings

from runs import viewing
from runs.copies import pages
from runs.errors import RunsError
from runs.models import Experiment

DATA = "/data/"
"""Where whoever makes a copy puts its records."""
_STATIC = f"/{settings.STATIC_URL.strip('/')}/"
_NOT_COPIED = re.compile(
    r"/(accounts|admin|api/(?!v1/runs/[^/]+/)|changes|badge|embed|fleets|healthz|history|search|your-case|add-your-machine"
    r"|experiments/$|machines/$|environments/$|experiments/[^/]+/progress)"
)
"""What needs a server, or tells of other experiments."""
_FOLLOWED = {"experiment", "machine", "verdict", "before", "page"}
"""Whatever else an address asks for is its reader's choice, of which there is no end; lists of runs are evidence."""


class CopyError(RunsError):
    """A page that the site could not show."""


class Copier:
    """`count` says what was written, by kind. `told` is called with each address that is asked for."""

    def __init__(self, experiment: Experiment, folder: Path, language: str, told: Callable[[str, int], None]) -> None:
        self._experiment, self._folder, self._told = experiment, folder, told
        # By BENCHSITE_COPY templates know to leave out what a copy has not, and whose copy they are in.
        self._client = Client(HTTP_HOST="localhost", HTTP_ACCEPT_LANGUAGE=language, BENCHSITE_COPY=experiment.name)
        self._files: dict[str, str] = {}
        self._to_do: deque[str] = deque()
        self._static: set[str] = set()
        self.count: Counter[str] = Counter()

    def copy(self) -> None:
        """Raises CopyError naming the address that the site failed at."""
        with _alone(self._experiment):
            self._file_of("/")
            while self._to_do:
                address = self._to_do.popleft()
                self._told(address, len(self._to_do))
                self._write(address)
        for name in sorted(self._static):
            self._copy_static(name)

    def _file_of(self, address: str) -> str | None:
        """Notes whatever is not copied yet. None for what is not copied at all."""
        if address.startswith(_STATIC):
            self._static.add(address.removeprefix(_STATIC))
            return address.lstrip("/")
        if address.startswith(DATA):
            return address.lstrip("/")
        if not _is_followed(address):
            return None
        file = pages.file_name(address, self._experiment.slug)
        if urlsplit(address).path.startswith("/api/"):
            file = file.replace("/index", "").replace(".html", ".json")
        if file not in self._files:
            self._files[file] = address
            self._to_do.append(address)
        return file

    def _write(self, address: str) -> None:
        answer = self._client.get(address, follow=True)
        if answer.status_code != 200:
            raise CopyError(f"The site answered {address} with {answer.status_code}: the copy was given up.")
        content = b"".join(answer) if answer.streaming else answer.content
        file = self._file_of(address)
        assert file is not None, "only what is copied is asked for"
        path = self._folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self._for_copy(content, address, file))

    def _for_copy(self, content: bytes, address: str, file: str) -> bytes:
        if file.startswith("charts/"):
            self.count["charts"] += 1
            return pages.chart_for_copy(content.decode(), file, self._file_of).encode()
        if file.endswith(".html"):
            self.count["pages"] += 1
            return pages.page_for_copy(content.decode(), address, file, self._file_of).encode()
        self.count["tables" if file.startswith("tables/") else "records"] += 1
        return content

    def _copy_static(self, name: str) -> None:
        """As `collectstatic` laid it out, with what its style sheets need."""
        content = (Path(settings.STATIC_ROOT) / name).read_bytes()
        path = self._folder / _STATIC.strip("/") / name
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if name.endswith(".css"):
            for each in pages.files_of_style(content.decode(), name):
                self._copy_static(each)


def _is_followed(address: str) -> bool:
    parts = urlsplit(address)
    if _NOT_COPIED.match(parts.path):
        return False
    asked = {name for name, _ in parse_qsl(parts.query)}
    if parts.path == "/runs/":
        return "sort" not in asked
    return parts.path.startswith(("/charts/", "/tables/")) or asked <= _FOLLOWED


@contextmanager
def _alone(experiment: Experiment) -> Iterator[None]:
    """A site with this experiment alone, open to visitors."""
    open_to_all = override_settings(
        BENCHSITE_PUBLIC_READ=True,
        BENCHSITE_CALLS_PER_ADDRESS=0,
        SECURE_SSL_REDIRECT=False,
        ALLOWED_HOSTS=["localhost"],
    )
    with viewing.only(experiment.pk), open_to_all:
        yield


def write_note(folder: Path, experiment: Experiment, count: Counter[str]) -> None:
    """What the folder is: by this file a later copy knows that it may replace it."""
    note = {"copy_of": experiment.name, "experiment": experiment.slug, **count}
    (folder / "copy.json").write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
