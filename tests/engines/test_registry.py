"""Which engines there are, and what makes one's numbers another's."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines import registry
from engines.errors import UnsupportedError
from engines.registry import ENGINES, ENGINES_FOLDER


def test_the_study_s_four_engines_are_there() -> None:
    study = {"theano": "th", "tensorflow": "tf", "keras-theano": "kth", "keras-tensorflow": "ktf"}
    assert study.items() <= {slug: info.abbreviation for slug, info in ENGINES.items()}.items()


@pytest.mark.parametrize("info", ENGINES.values(), ids=lambda info: info.slug)
def test_an_engine_is_found_by_slug_and_abbreviation_and_has_its_file(info: registry.EngineInfo) -> None:
    assert registry.find(info.slug) is registry.find(info.abbreviation) is info
    assert (ENGINES_FOLDER / "frameworks" / f"{info.framework}.py").is_file()
    assert info.is_keras == info.slug.startswith("keras-")


def test_names_are_unique() -> None:
    names = [name for info in ENGINES.values() for name in {info.slug, info.abbreviation}]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["caffe", "", "TF", "tensor flow"])
def test_an_unknown_engine_names_the_known_ones(name: str) -> None:
    with pytest.raises(UnsupportedError, match=r"There is no engine .*tensorflow \(tf\)"):
        registry.find(name)


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that hashes are made of, to be changed at will."""
    (tmp_path / "frameworks").mkdir()
    for path in [*ENGINES_FOLDER.glob("*.py"), *ENGINES_FOLDER.glob("frameworks/*.py")]:
        (tmp_path / path.relative_to(ENGINES_FOLDER)).write_bytes(path.read_bytes())
    monkeypatch.setattr(registry, "ENGINES_FOLDER", tmp_path)
    return tmp_path


def hashes() -> dict[str, str]:
    registry.code_hash.cache_clear()
    found = {slug: registry.code_hash(slug) for slug in ENGINES}
    registry.code_hash.cache_clear()
    return found


def changed_by(path: Path) -> set[str]:
    before = hashes()
    path.write_text(path.read_text() + "\n# another thought\n")
    after = hashes()
    return {slug for slug in before if before[slug] != after[slug]}


def test_an_engine_s_hash_changes_with_its_own_file_alone(copy: Path) -> None:
    assert changed_by(copy / "frameworks" / "theano.py") == {"theano"}


@pytest.mark.parametrize("name", ["timing.py", "networks.py", "backends.py"])
def test_what_shapes_every_number_changes_every_hash(copy: Path, name: str) -> None:
    assert changed_by(copy / name) == set(ENGINES)


def test_what_measures_nothing_changes_no_hash(copy: Path) -> None:
    assert changed_by(copy / "registry.py") == set()
