"""Which engines there are, and what makes one's numbers another's."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines import registry
from engines.contract import NetworkType
from engines.errors import UnsupportedError
from engines.networks import ARCHITECTURES, architectures
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
    for path in ENGINES_FOLDER.rglob("*.py"):
        copied = tmp_path / path.relative_to(ENGINES_FOLDER)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(path.read_bytes())
    monkeypatch.setattr(registry, "ENGINES_FOLDER", tmp_path)
    monkeypatch.setattr(architectures, "FOLDER", tmp_path / "networks")
    return tmp_path


def hashes() -> dict[tuple[str, NetworkType], str]:
    registry.code_hash.cache_clear()
    found = {(slug, network): registry.code_hash(slug, network) for slug in ENGINES for network in ARCHITECTURES}
    registry.code_hash.cache_clear()
    return found


def changed_by(path: Path) -> set[str]:
    before = hashes()
    path.write_text(path.read_text() + "\n# another thought\n")
    after = hashes()
    return {slug for slug, network in before if before[slug, network] != after[slug, network]}


def test_an_engine_s_hash_changes_with_its_own_file_alone(copy: Path) -> None:
    assert changed_by(copy / "frameworks" / "theano.py") == {"theano"}
    assert changed_by(copy / "layers" / "theano.py") == {"theano"}
    assert changed_by(copy / "layers" / "keras_2.py") == {slug for slug in ENGINES if slug.startswith("keras-")}


@pytest.mark.parametrize("name", ["timing.py", "networks/kinds/layer.py", "networks/work.py", "backends/needs.py"])
def test_what_shapes_every_number_changes_every_hash(copy: Path, name: str) -> None:
    assert changed_by(copy / name) == set(ENGINES)


def test_what_measures_nothing_changes_no_hash(copy: Path) -> None:
    assert changed_by(copy / "registry.py") == set()


@pytest.mark.parametrize("backend", ["theano", "tensorflow", "jax", "torch"])
def test_a_backend_s_file_changes_the_hashes_of_the_engines_on_it_alone(copy: Path, backend: str) -> None:
    own = {info.slug for info in ENGINES.values() if info.backend == backend}
    assert changed_by(copy / "backends" / f"{backend}.py") == own


@pytest.mark.parametrize("network", ARCHITECTURES)
def test_an_architecture_s_file_changes_the_hashes_on_its_networks_alone(copy: Path, network: str) -> None:
    before = hashes()
    (copy / "networks" / f"{network}.py").write_text("# another depth\n")
    after = hashes()
    assert {each for slug, each in before if before[slug, each] != after[slug, each]} == {network}


def test_an_architecture_that_is_added_changes_no_hash(copy: Path) -> None:
    before = hashes()
    (copy / "networks" / "another.py").write_text("ARCHITECTURE = None\n")
    assert hashes() == before
