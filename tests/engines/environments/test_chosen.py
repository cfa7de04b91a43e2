"""An interpreter of the user's own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engines.environments import environments, installation
from engines.environments.environments import find
from engines.environments.system import Python
from engines.errors import UnavailableError
from tests.engines.environments.pretending import pretend_installed

pytestmark = pytest.mark.slow


def test_a_chosen_interpreter_goes_before_the_installed_one_until_it_is_forgotten(root: Path) -> None:
    info = find("tensorflow")
    pretend_installed(info)
    environments.choose(info, Path(sys.executable))
    assert environments.origin(info) == "chosen"
    assert environments.python_of(info) == Path(sys.executable)
    environments.choose(info, None)
    assert environments.python_of(info) == info.python


def test_a_chosen_interpreter_that_is_gone_is_reported_not_replaced(root: Path) -> None:
    info = find("tensorflow")
    pretend_installed(info)
    environments.choose(info, root / "gone" / "python")
    with pytest.raises(UnavailableError, match="is gone"):
        environments.python_of(info)


def test_a_damaged_file_of_choices_is_one_message(root: Path) -> None:
    (root / "var").mkdir()
    (root / "var" / "environments.json").write_text("{")
    with pytest.raises(UnavailableError, match="cannot be read"):
        environments.origin(find("theano"))


def test_an_interpreter_without_the_framework_is_refused_with_what_to_install(root: Path) -> None:
    info = find("tensorflow")
    with pytest.raises(UnavailableError, match=r"import tensorflow, keras\. Type: .* pip install tensorflow keras$"):
        installation.use(info, Path(sys.executable), info.engines)
    assert environments.chosen(info) is None


def test_what_is_no_interpreter_cannot_be_chosen(root: Path) -> None:
    with pytest.raises(UnavailableError, match="does not run as a Python"):
        installation.use(find("theano"), Path("/bin/true"), [])


def test_an_interpreter_that_is_too_old_cannot_be_chosen(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Python(Path("/opt/python3.8"), (3, 8), Path("/opt"))
    monkeypatch.setattr(installation, "ask", lambda path: old)
    with pytest.raises(UnavailableError, match=r"3\.10 or newer"):
        installation.use(find("theano"), old.executable, [])
