"""Packages that are installed as far as Python can tell: files, and the metadata that names an entry point."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

DECLARED: Mapping[str, Any] = {
    "slug": "mine",
    "title": "Mine",
    "abbreviation": "my",
    "framework": "numpy",
    "environment": "tensorflow",
    "module": "benchsite_mine.engine",
}


def install(folder: Path, package: str, files: Mapping[str, str], entry_points: Mapping[str, str]) -> None:
    """Files of `package`, and entry points by name, in a folder that stands for a site-packages."""
    for name, text in files.items():
        path = folder / package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    metadata = folder / f"{package}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in entry_points.items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[benchsite.engines]", *lines, ""]))


def install_engine(folder: Path, package: str = "benchsite_mine", **changes: Any) -> None:
    """An engine's package whose declaration is DECLARED with these changes; None leaves a field out."""
    declared = {**DECLARED, "module": f"{package}.engine", **changes}
    kept = {name: value for name, value in declared.items() if value is not None}
    files = {
        "__init__.py": f"ENGINE = {kept!r}\n",
        "engine.py": "Engine = None\n",
    }
    install(folder, package, files, {kept.get("slug", package): f"{package}:ENGINE"})
