"""Installing an environment, and what stands in the way."""

from __future__ import annotations

import errno
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from engines.environments import environments, installation
from engines.environments.environments import EnvironmentInfo, find
from engines.errors import UnavailableError
from tests.engines.environments.pretending import ignore, pretend_installed

pytestmark = pytest.mark.slow


def test_a_missing_environment_says_what_to_type(root: Path) -> None:
    with pytest.raises(UnavailableError, match=r"not installed\. Type: python manage\.py engines install theano$"):
        environments.python_of(find("theano"))
    with pytest.raises(UnavailableError, match=r"install tensorflow --gpu$"):
        environments.python_of(find("tensorflow-gpu"))


def test_without_its_stamp_an_environment_is_half_an_installation(root: Path) -> None:
    info = find("theano")
    pretend_installed(info)
    assert environments.origin(info) == "locked"
    info.stamp.unlink()
    assert environments.origin(info) == "missing"


def test_a_changed_lock_file_makes_the_environment_old(root: Path) -> None:
    info = find("theano")
    pretend_installed(info)
    info.stamp.write_text("0" * 64)
    with pytest.raises(UnavailableError, match="older lock file"):
        environments.python_of(info)


def test_installing_makes_the_environment_once_and_again_when_the_lock_changed(tiny: EnvironmentInfo) -> None:
    said: list[str] = []
    assert installation.install(tiny, say=said.append) == []
    assert environments.python_of(tiny) == tiny.python
    installation.install(tiny, say=said.append)
    assert len([line for line in said if line.startswith("Installing")]) == 1
    tiny.lock.write_text("# still nothing\n")
    assert not environments.is_installed(tiny)
    installation.install(tiny, say=said.append)
    assert environments.is_installed(tiny)


def test_what_has_no_hash_is_installed_after_the_lock_by_its_exact_version() -> None:
    locked, unhashed = installation._pip_commands(find("torch"))
    assert locked[-3:] == ["--require-hashes", "-r", str(find("torch").lock)]
    assert unhashed[-1] == "torch==2.13.0"
    assert "--require-hashes" not in unhashed
    assert len(installation._pip_commands(find("jax"))) == 1


def test_another_version_of_what_has_no_hash_makes_the_environment_old(root: Path) -> None:
    info = find("torch")
    pretend_installed(info)
    assert environments.is_installed(info)
    assert not environments.is_installed(replace(info, unhashed=("torch==2.14.0",)))


def test_an_installation_that_failed_does_not_count_and_gives_one_reason(tiny: EnvironmentInfo) -> None:
    absent = tiny.lock.with_name("absent.whl").as_uri()
    tiny.lock.write_text(f"absent @ {absent} --hash=sha256:{'0' * 64}\n")
    with pytest.raises(UnavailableError, match=r"tiny could not be installed: .*To try again, type") as caught:
        installation.install(tiny, say=ignore)
    assert "\n" not in str(caught.value)
    assert environments.origin(tiny) == "missing"


def test_removing_deletes_what_was_installed_and_forgets_what_was_chosen_first(tiny: EnvironmentInfo) -> None:
    installation.install(tiny, say=ignore)
    environments.choose(tiny, Path(sys.executable))
    installation.remove(tiny)
    assert environments.origin(tiny) == "locked"
    installation.remove(tiny)
    assert not tiny.folder.exists()
    assert "not installed" in installation.remove(tiny)


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_disk_without_room_is_noticed_before_the_download(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12 - 10**8, 10**8))
    with pytest.raises(UnavailableError, match=r"needs 1\.5 GB and 100 MB are free"):
        installation.check_place(find("tensorflow"))


@pytest.mark.parametrize("output", ["ERROR: [Errno 28] No space left on device", "x\nOSError: No space left on device"])
def test_a_disk_that_fills_up_under_pip_is_one_message(output: str) -> None:
    assert installation._why_it_failed(find("theano"), output).startswith("The disk is full: theano needs 260 MB")


def test_a_disk_that_fills_up_under_us_is_the_same_message(
    tiny: EnvironmentInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(installation, "_make", full)
    with pytest.raises(UnavailableError, match="The disk is full"):
        installation.install(tiny, say=ignore)


def test_theano_refuses_a_path_with_a_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my project"
    folder.mkdir()
    monkeypatch.setattr(environments, "ROOT", folder)
    with pytest.raises(UnavailableError, match="path without spaces"):
        installation.check_place(find("theano"))
    installation.check_place(find("tensorflow"))


def test_what_it_costs_is_said_for_each_and_together() -> None:
    text = installation.cost([find("theano"), find("tensorflow")])
    assert "theano (Theano 1.0.5 and Keras 2.3.1): 61 MB to download, 260 MB on disk." in text
    assert "Together: 396 MB to download, 1.8 GB on disk." in text


def test_a_build_that_may_turn_out_larger_says_how_large() -> None:
    text = installation.cost([find("torch")])
    assert "230 MB to download, 1.1 GB on disk (2.8 GB and 5.1 GB where pip is offered no CPU build)." in text
