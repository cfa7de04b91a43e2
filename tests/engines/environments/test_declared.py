"""Environments as they are declared: their locks, their names."""

from __future__ import annotations

import pytest

from engines import registry
from engines.environments.environments import environment_for, find
from engines.errors import UnsupportedError

pytestmark = pytest.mark.slow


def test_every_engine_has_a_declared_environment_with_a_hashed_lock() -> None:
    for engine in registry.ENGINES.values():
        info = environment_for(engine)
        lock, pinned = info.lock.read_text(), info.lock.read_text() + " ".join(info.unhashed)
        assert f"{engine.framework}==" in pinned or f"{engine.framework}-cpu==" in pinned
        assert "--hash=sha256:" in lock
        assert "://" not in pinned


@pytest.mark.parametrize("name", ["tensorflow-gpu", "jax-gpu", "torch-gpu"])
def test_a_gpu_build_serves_the_same_engines_from_a_lock_in_which_all_has_a_hash(name: str) -> None:
    build, base = find(name), find(name.removesuffix("-gpu"))
    assert build.engines == base.engines
    assert build.unhashed == ()
    assert build.lock.read_text().count("--hash=sha256:") > base.lock.read_text().count("--hash=sha256:")


def test_a_lock_with_a_hash_never_takes_the_cpu_build_of_the_same_version() -> None:
    """2.13.0+cpu counts as 2.13.0 for `==`, and goes first where pip is offered both."""
    assert "\ntorch===2.13.0 " in find("torch-gpu").lock.read_text()


def test_an_environment_is_found_by_its_name_its_engines_slugs_and_abbreviations() -> None:
    assert find("theano") == find("keras-theano") == find("kth")
    assert find("tf", gpu=True).name == "tensorflow-gpu"
    assert find("tensorflow-gpu", gpu=True) == find("tensorflow-gpu")


def test_what_does_not_exist_is_refused_by_naming_what_does() -> None:
    with pytest.raises(UnsupportedError, match="Known engines: theano"):
        find("caffe")
    with pytest.raises(UnsupportedError, match="no GPU build"):
        find("theano", gpu=True)
