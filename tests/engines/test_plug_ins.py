"""Engines of other packages: found, handed to their worker alone, and told apart; a bad one never stops the others."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engines import host, plug_ins, registry
from engines.declarations import DeclarationError, EngineInfo, EnvironmentDeclaration, Replication, engine_from
from engines.environments import environments
from engines.host import PROJECT_ROOT
from tests.engines.installed import DECLARED, install, install_engine

OWN = tuple(info for info in registry.ENGINES.values() if not info.is_plug_in)
ENVIRONMENT = {"title": "My framework 1.0", "pythons": ["3.12"], "lock": "lock.txt", "download_mb": 10, "disk_mb": 20}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that packages are imported from, and nothing of them afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if name.startswith("benchsite_"):
            del sys.modules[name]


def problems() -> str:
    return "\n".join(plug_ins.found(OWN).problems)


def test_an_installed_package_s_engine_is_found_with_what_it_leaves_to_us(site: Path) -> None:
    install_engine(site)
    (info,) = plug_ins.found(OWN).engines
    assert (info.slug, info.backend, info.package) == ("mine", "numpy", "numpy")
    assert (info.tracks, info.devices) == (("idiomatic",), ("cpu",))
    assert (info.engine_module, info.location) == ("benchsite_mine.engine", str(site / "benchsite_mine"))
    assert problems() == ""


def test_its_module_is_not_imported_to_be_listed(site: Path) -> None:
    install_engine(site)
    (site / "benchsite_mine" / "engine.py").write_text("raise ImportError('a framework')\n")
    assert [info.slug for info in plug_ins.found(OWN).engines] == ["mine"]


def test_a_declaration_may_be_an_engine_info(site: Path) -> None:
    text = "from engines.declarations import EngineInfo\nENGINE = EngineInfo(\n    'mine', 'Mine', 'my', 'numpy', "
    text += "'numpy', 'tensorflow', 'numpy', module='benchsite_mine.engine')\n"
    install(site, "benchsite_mine", {"__init__.py": text, "engine.py": ""}, {"mine": "benchsite_mine:ENGINE"})
    (info,) = plug_ins.found(OWN).engines
    assert (info.slug, info.devices) == ("mine", ("cpu", "gpu"))


def test_a_package_may_be_one_file(site: Path) -> None:
    install(site, "benchsite_mine", {}, {"mine": "benchsite_mine:ENGINE"})
    (site / "benchsite_mine.py").write_text(f"ENGINE = {dict(DECLARED, module='benchsite_mine')!r}\n")
    (info,) = plug_ins.found(OWN).engines
    assert plug_ins.files_of(info) == [site / "benchsite_mine.py"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"slug": "theano"}, "slug is 'theano', which Theano has"),
        ({"slug": "tf"}, "slug is 'tf', which TensorFlow has"),
        ({"abbreviation": "tf"}, "abbreviation is 'tf', which TensorFlow has"),
        ({"slug": "No Name"}, "slug is 'No Name', allowed: small letters"),
        ({"slug": "mine-gpu"}, "slug must not end in -gpu"),
        ({"title": ""}, "title is '', allowed: 1 to 100 characters"),
        ({"title": None}, "the declaration lacks title"),
        ({"speed": "high"}, "the declaration has no field speed; it has: slug, title"),
        ({"environment": "mxnet"}, "environment is 'mxnet', known: "),
        ({"environment": {"title": "x"}}, "environment lacks pythons, lock, download_mb, disk_mb"),
        ({"environment": {**ENVIRONMENT, "disk_mb": -1}}, "disk_mb is -1, allowed: a whole number"),
        ({"environment": {**ENVIRONMENT, "pythons": "3.12"}}, "pythons is '3.12', allowed: a list"),
        ({"environment": ENVIRONMENT}, "environment.lock is 'lock.txt', which is no file of the plug-in"),
        ({"tracks": ["fast"]}, "tracks is ['fast'], allowed: some of idiomatic, tuned"),
        ({"devices": []}, "devices is [], allowed: a list of one or more"),
        ({"module": "benchsite_mine.machine"}, "module is 'benchsite_mine.machine', which is not there"),
        ({"module": "benchsite_other"}, "module is 'benchsite_other', which is not there"),
    ],
)
def test_a_declaration_that_does_not_fit_says_why_and_leaves_the_others(
    site: Path, changes: dict[str, Any], said: str
) -> None:
    install_engine(site, **changes)
    install_engine(site, "benchsite_good", slug="good", abbreviation="gd")
    assert [info.slug for info in plug_ins.found(OWN).engines] == ["good"]
    assert said in problems()
    assert len(plug_ins.found(OWN).problems) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import a_framework_that_is_not_here", "cannot be imported (ModuleNotFoundError: No module named"),
        ("raise SystemExit(3)", "cannot be imported (SystemExit: 3)"),
        ("ENGINES = {}", "cannot be imported (AttributeError"),
        ("ENGINE = ['mine']", "the declaration is a list, allowed: a mapping"),
    ],
)
def test_a_package_that_breaks_says_why_and_leaves_the_others(site: Path, text: str, said: str) -> None:
    install(site, "benchsite_bad", {"__init__.py": text}, {"bad": "benchsite_bad:ENGINE"})
    install_engine(site)
    assert [info.slug for info in plug_ins.found(OWN).engines] == ["mine"]
    assert problems().startswith("The engine plug-in bad (benchsite_bad:ENGINE) is left out: ")
    assert said in problems()


def test_of_two_packages_with_one_name_the_first_has_it(site: Path) -> None:
    install_engine(site, "benchsite_a")
    install_engine(site, "benchsite_b", title="Theirs")
    found = plug_ins.found(OWN)
    assert [info.title for info in found.engines] == ["Mine"]
    assert "slug is 'mine', which Mine has" in found.problems[0]


def test_engines_of_packages_can_share_an_environment_that_one_of_them_brings(site: Path) -> None:
    install_engine(site, "benchsite_a", slug="guest", abbreviation="g", environment="mine")
    install_engine(site, "benchsite_b", environment=ENVIRONMENT)
    (site / "benchsite_b" / "lock.txt").write_text("numpy==2.0\n")
    found = {info.slug: info for info in plug_ins.found(OWN).engines}
    assert (found["mine"].environment, found["guest"].environment) == ("mine", "mine")


@pytest.fixture
def registered(site: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., EngineInfo]:
    """Installs a package and puts its engine into the registry, as a new process would find it."""

    def register(**changes: Any) -> EngineInfo:
        install_engine(site, **changes)
        (site / "benchsite_mine" / "lock.txt").write_text("numpy==2.0\n")
        (info,) = plug_ins.found(OWN).engines
        monkeypatch.setitem(registry.ENGINES, info.slug, info)
        return info

    return register


def test_an_environment_that_a_package_brings_is_made_from_its_own_lock(
    registered: Callable[..., EngineInfo], site: Path
) -> None:
    registered(environment=ENVIRONMENT)
    environments._environments.cache_clear()
    try:
        info = environments.find("mine")
        assert (info.name, info.title, info.pythons) == ("mine", "My framework 1.0", ("3.12",))
        assert info.lock == site / "benchsite_mine" / "lock.txt"
        assert info.install_command == "python manage.py engines install mine"
        assert [engine.slug for engine in info.engines] == ["mine"]
    finally:
        environments._environments.cache_clear()


def test_its_hash_changes_with_any_of_its_files(registered: Callable[..., EngineInfo], site: Path) -> None:
    registered()

    def now() -> str:
        registry.code_hash.cache_clear()
        return registry.code_hash("mine", "mlp")

    first = now()
    (site / "benchsite_mine" / "layers.py").write_text("# a part of it\n")
    assert now() != first
    registry.code_hash.cache_clear()


def test_a_worker_can_import_the_plug_in_and_nothing_beside_it(
    registered: Callable[..., EngineInfo], site: Path, tmp_path: Path
) -> None:
    info = registered(environment=ENVIRONMENT)
    (site / "benchsite_secret.py").write_text("")
    variables = host._environment("mine", str(tmp_path))
    code = "import benchsite_mine.engine; from engines import registry; info = registry.find('my'); print(info)\n"
    code += "import benchsite_secret"
    worker = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=variables, cwd=tmp_path, check=False
    )
    assert worker.stdout.strip() == str(dataclasses.replace(info, own_environment=None))
    assert worker.stderr.strip().endswith("No module named 'benchsite_secret'")


def test_a_worker_of_one_of_ours_looks_for_no_plug_in(registered: Callable[..., EngineInfo], tmp_path: Path) -> None:
    registered()
    variables = host._environment("theano", str(tmp_path))
    assert variables["PYTHONPATH"] == str(host.PROJECT_ROOT)
    assert variables[plug_ins.HANDED_OVER] == ""
    assert list(tmp_path.glob("plug-in")) == []


def test_what_is_handed_over_is_all_that_a_worker_knows_of(
    site: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install_engine(site)
    monkeypatch.setitem(os.environ, plug_ins.HANDED_OVER, "")
    assert plug_ins.found(OWN) == plug_ins.Found()


def test_every_engine_of_ours_could_be_declared_by_a_package() -> None:
    """The same rules hold for all, but that replicas are none of theirs yet."""
    for info in (dataclasses.replace(each, replication=Replication()) for each in OWN):
        declared = engine_from(dataclasses.replace(info, module="benchsite_mine.engine"))
        assert dataclasses.replace(declared, module="") == dataclasses.replace(info, module="")


def test_an_environment_is_declared_with_all_its_fields() -> None:
    info = engine_from({**DECLARED, "environment": ENVIRONMENT})
    assert info.own_environment == EnvironmentDeclaration("My framework 1.0", ("3.12",), "lock.txt", 10, 20)
    pinned = engine_from({**DECLARED, "environment": {**ENVIRONMENT, "unhashed": ["torch==2.13.0"]}}).own_environment
    assert pinned is not None
    assert environments._brought("mine", pinned).unhashed == ("torch==2.13.0",)
    with pytest.raises(DeclarationError, match=r"unhashed is 'torch>=2', allowed: as 'torch==2\.13\.0'"):
        engine_from({**DECLARED, "environment": {**ENVIRONMENT, "unhashed": ["torch>=2"]}})
    with pytest.raises(DeclarationError, match="environment has no field size"):
        engine_from({**DECLARED, "environment": {**ENVIRONMENT, "size": 1}})


# ---------------------------------------------------------------- the wrappers that docs/engines/ has as an example


WRAPPERS = PROJECT_ROOT / "docs" / "engines" / "wrappers"


def test_the_example_s_wrappers_are_found_as_any_package_s_engines(site: Path) -> None:
    package = WRAPPERS / "benchsite_wrappers"
    points = tomllib.loads((WRAPPERS / "pyproject.toml").read_text())["project"]["entry-points"]["benchsite.engines"]
    files = {each.name: each.read_text() for each in package.iterdir() if each.is_file()}
    install(site, "benchsite_wrappers", files, points)
    found = {info.slug: info for info in plug_ins.found(OWN).engines}
    assert problems() == ""
    assert {slug: info.backend for slug, info in found.items()} == {"flax": "jax", "lightning": "torch"}
    assert found["flax"].families == ("mlp", "cnn")


@pytest.mark.parametrize(("wrapper", "framework"), [("flax", "jax"), ("lightning", "torch")])
def test_a_wrapper_has_the_release_of_what_it_wraps(wrapper: str, framework: str) -> None:
    """Else a reader would compare two releases, and take the difference for the wrapper's price."""
    assert _pinned(brought(wrapper), framework) == _pinned(environments.find(framework), framework) != ""


def brought(wrapper: str) -> environments.EnvironmentInfo:
    namespace: dict[str, Any] = {}
    exec((WRAPPERS / "benchsite_wrappers" / "__init__.py").read_text(), namespace)
    own = engine_from(namespace[wrapper.upper()]).own_environment
    assert own is not None
    lock = str(WRAPPERS / "benchsite_wrappers" / own.lock)
    return environments._brought(wrapper, dataclasses.replace(own, lock=lock))


def _pinned(environment: environments.EnvironmentInfo, package: str) -> str:
    pins = [*environment.lock.read_text().splitlines(), *environment.unhashed]
    return next((pin.split()[0] for pin in pins if pin.startswith(f"{package}==")), "")


def test_the_suite_of_wrappers_names_what_they_wrap_beside_them() -> None:
    benches = tomllib.loads((WRAPPERS / "wrappers.toml").read_text())["benches"]
    assert all({"jax", "flax", "torch", "lightning"} == set(bench["engines"]) for bench in benches)
