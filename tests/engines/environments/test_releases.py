"""Another release of a package in an environment of its own: found, resolved, installed, forgotten."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import registry
from engines.environments import environments, installation, releases
from engines.environments.environments import EnvironmentInfo, find
from engines.environments.releases import Wanted, wanted
from engines.errors import UnavailableError, UnsupportedError
from tests.wheels import make_wheel, only_from

JAX = registry.find("jax")


def quiet(text: str) -> None:
    pass


@pytest.fixture
def shop(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place that packages come from: three releases of one, and what they need."""
    folder = root / "shop"
    for version in ("1.0", "1.1", "1.1.2", "2.0"):
        make_wheel(folder, "thing", version, {"thing.py": f"VERSION = '{version}'\n"}, needs=("needed>=1",))
    for version in ("1.0", "1.5"):
        make_wheel(folder, "needed", version, {"needed.py": ""})
    for name, value in only_from(folder).items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def base(tiny: EnvironmentInfo, root: Path, shop: Path) -> EnvironmentInfo:
    """An environment of Benchsite's with `thing` 1.0, and with less than the newest of what that needs."""
    (root / "tiny.in").write_text("thing==1.0\n")
    hashes = (f"{name}==1.0 --hash=sha256:{_sha256(shop, name)}" for name in ("thing", "needed"))
    (root / "tiny.txt").write_text("\n".join(hashes) + "\n")
    return tiny


def _sha256(shop: Path, name: str) -> str:
    answer = subprocess.run(["sha256sum", shop / f"{name}-1.0-py3-none-any.whl"], capture_output=True, text=True)
    return answer.stdout.split()[0]


# ---------------------------------------------------------------- what the user may type


@pytest.mark.parametrize(
    ("engine", "text", "expected"),
    [
        ("jax", "0.9", Wanted("jax", "0.9")),
        ("keras-jax", "3.14.0", Wanted("keras", "3.14.0")),
        ("keras-jax", "jax==0.9.2", Wanted("jax", "0.9.2")),
        ("onnxruntime", "1.30", Wanted("onnxruntime", "1.30")),
    ],
)
def test_a_bare_version_is_one_of_the_engine_s_own_package(engine: str, text: str, expected: Wanted) -> None:
    assert wanted(registry.find(engine), text) == expected


@pytest.mark.parametrize("text", ["newest", "", "v0.9", "==", "jax==", ">=0.9"])
def test_what_is_no_version_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(UnsupportedError, match=r"names no release of JAX\. Allowed: a version \(0\.9\.2\)"):
        wanted(JAX, text)


def test_a_wheel_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="There is no wheel or source folder"):
        wanted(JAX, str(tmp_path / "jax-1.whl"))


@given(st.lists(st.integers(0, 99), min_size=1, max_size=3), st.lists(st.integers(0, 99), max_size=2))
def test_the_beginning_of_a_version_means_all_that_go_on_from_it_and_no_other(
    start: list[int], rest: list[int]
) -> None:
    beginning = ".".join(map(str, start))
    assert releases.fits(".".join(map(str, [*start, *rest])), beginning)
    assert not releases.fits(f"{beginning}0", beginning), "0.9 is not the beginning of 0.90"


def test_the_release_that_comes_with_benchsite_is_its_own_environment() -> None:
    info = find("jax")
    version = releases.version_in(info, "jax")
    assert releases.find(info, Wanted("jax", version)) == info
    assert releases.find(info, Wanted("jax", version.rpartition(".")[0])) == info
    assert releases.version_in(find("torch"), "torch") == "2.13.0", "what has no hash counts as well"


# ---------------------------------------------------------------- resolving and installing


@pytest.mark.slow
def test_a_release_changes_the_named_package_and_holds_the_rest(base: EnvironmentInfo) -> None:
    info = releases.resolve(base, Wanted("thing", "1.1"), say=quiet)
    assert (info.name, info.release, info.release_of) == ("tiny@thing==1.1.2", "thing==1.1.2", "tiny")
    assert releases.version_in(info, "thing") == "1.1.2"
    assert releases.version_in(info, "needed") == "1.0", "1.5 is out, but it is not what was asked for"
    assert info.lock_sha256 != base.lock_sha256
    assert releases.every() == [info]
    assert releases.find(base, Wanted("thing", "1.1")) == info
    assert info.install_command.endswith("engines install tiny --version thing==1.1.2")


@pytest.mark.slow
def test_it_is_installed_apart_and_described_by_what_is_in_it(base: EnvironmentInfo) -> None:
    installation.install(base, say=quiet)
    info = releases.resolve(base, Wanted("thing", "2.0"), say=quiet)
    with pytest.raises(UnavailableError, match=r"--version thing==2\.0"):
        environments.python_of(info)
    installation.install(info, say=quiet)
    assert environments.describe(info).packages["thing"] == "2.0"
    assert environments.describe(base).packages["thing"] == "1.0"
    installation.remove(info)
    releases.forget(info)
    assert releases.every() == []
    assert environments.is_installed(base)
    with pytest.raises(UnavailableError, match=r"no release thing==2\.0 of tiny here\. Type: .* --version thing==2\.0"):
        releases.named(base, "thing==2.0")


@pytest.mark.slow
def test_a_wheel_of_one_s_own_takes_the_published_one_s_place(base: EnvironmentInfo, tmp_path: Path) -> None:
    own = make_wheel(tmp_path / "mine", "thing", "1.0", {"thing.py": "VERSION = 'mine'\n"}, needs=("needed>=1",))
    info = releases.resolve(base, Wanted("thing", path=str(own)), say=quiet)
    installation.install(info, say=quiet)
    found = environments.describe(info)
    assert found.facts["built from"] == f"{own.name} ({info.release})", "the folder it lay in is nobody's business"
    asked = [str(info.python), "-c", "import thing; print(thing.VERSION)"]
    assert subprocess.run(asked, capture_output=True, text=True).stdout == "mine\n"
    make_wheel(tmp_path / "mine", "thing", "1.0", {"thing.py": "VERSION = 'changed'\n"})
    assert releases.find(base, Wanted("thing", path=str(own))) is None, "another content is another release"


def test_a_source_folder_is_known_by_its_sources(base: EnvironmentInfo, tmp_path: Path) -> None:
    (tmp_path / "thing.py").write_text("1")
    first = releases._local_release(tmp_path)
    for name in (".git/index", "build/thing.o", "__pycache__/thing.pyc", "thing.egg-info/PKG-INFO"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("made")
    assert releases._local_release(tmp_path) == first
    (tmp_path / "thing.py").write_text("2")
    assert releases._local_release(tmp_path) != first


@pytest.mark.slow
def test_what_cannot_be_had_says_so(base: EnvironmentInfo, shop: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"No release of thing begins with 3\. The newest are: 2\.0, 1\.1\.2"):
        releases.resolve(base, Wanted("thing", "3"), say=quiet)
    with pytest.raises(UnavailableError, match="pip finds no releases of another"):
        releases.resolve(base, Wanted("another", "1"), say=quiet)
    make_wheel(shop, "thing", "4.0", {"thing.py": ""}, needs=("nowhere",))
    with pytest.raises(UnsupportedError, match=r"cannot be resolved for Python 3\.\d+: .*nowhere"):
        releases.resolve(base, Wanted("thing", "4.0"), say=quiet)
    assert releases.every() == [], "what failed leaves nothing behind"


def test_another_hand_s_files_are_no_releases(base: EnvironmentInfo) -> None:
    folder = environments.var_folder() / "releases"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text("{")
    (folder / "b.json").write_text(json.dumps({"release_of": "unknown", "release": "1", "unhashed": []}))
    assert releases.every() == []
