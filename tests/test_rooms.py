"""Where things lie: what `docs/design.md` says of the rooms is so, and what the import contracts cannot say."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

PROJECT_ROOT = Path(__file__).parents[1]
DESIGN = (PROJECT_ROOT / "docs" / "design.md").read_text(encoding="utf-8")
BELOW_PAGES = (
    *("selectors", "services", "findings", "tables", "bench", "upload", "study", "charts"),
    *("words", "records", "suites", "stats", "models"),
)
SHOWS_A_PART_OF = {
    "claims": {"figures"},
    "engines": {"environments"},
    "experiments": {"machines"},
    "home": {"changes", "speed_ups"},
    "search": {"figures"},
}
"""The pages that show a part of another one."""


def imports(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, and of what it imports from them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def modules(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*.py")) if "migrations" not in path.parts]


@pytest.mark.parametrize("half", ["engines", "runs"])
def test_the_design_names_every_room(half: str) -> None:
    section = DESIGN.split(f"### `{half}/`")[1].split("\n### ")[0]
    found = [
        path for path in (PROJECT_ROOT / half).iterdir() if path.name not in {"__init__.py", "apps.py", "migrations"}
    ]
    rooms = {f"{path.name}/" if path.is_dir() else path.name for path in found if path.suffix in {"", ".py"}}
    missing = {room for room in rooms - {"__pycache__/"} if f"`{room}`" not in section}
    assert not missing


@pytest.mark.parametrize("room", BELOW_PAGES)
def test_nothing_below_the_pages_knows_http(room: str) -> None:
    found = {
        f"{path.relative_to(PROJECT_ROOT)}: {name}"
        for path in modules(PROJECT_ROOT / "runs" / room)
        for name in imports(path)
        if name.startswith(("django.http", "django.shortcuts", "django.views", "rest_framework"))
    }
    assert not found


def test_a_page_imports_another_only_to_show_a_part_of_it() -> None:
    folder = PROJECT_ROOT / "runs" / "pages"
    pages = {path.stem for path in folder.glob("*.py")} - {"__init__", "index", "files"}
    used: dict[str, set[str]] = {}
    for path in modules(folder):
        user = path.stem if path.parent == folder else f"parts/{path.stem}"
        others = {name.split(".")[2] for name in imports(path) if name.startswith("runs.pages.")} & pages
        if others - {path.stem} and user not in {"index", "files"}:
            used[user] = others
    assert used == SHOWS_A_PART_OF


def test_no_room_is_crowded() -> None:
    """A file that grows beyond this has two subjects."""
    long = {
        str(path.relative_to(PROJECT_ROOT)): lines
        for half in ("engines", "runs")
        for path in modules(PROJECT_ROOT / half)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 420
    }
    assert not long


def test_no_line_of_a_template_is_longer_than_a_screen() -> None:
    long = {
        f"{path.relative_to(PROJECT_ROOT)}:{number}"
        for path in sorted((PROJECT_ROOT / "templates").rglob("*.html"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > 120
    }
    assert not long


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Not even within a room; what is imported for types alone does not count."""
    graph = grimp.build_graph("engines", "runs", "benchsite", exclude_type_checking_imports=True)
    order = graphlib.TopologicalSorter({name: graph.find_modules_directly_imported_by(name) for name in graph.modules})
    order.prepare()
