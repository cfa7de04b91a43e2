"""What a record says of an environment."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engines.contract import content_hash
from engines.environments import environments
from engines.environments.environments import find

pytestmark = pytest.mark.slow


def test_an_environment_is_described_by_exact_versions_and_their_hash(root: Path) -> None:
    info = find("tensorflow")
    environments.choose(info, Path(sys.executable))
    described = environments.describe(info)
    assert described.origin == "chosen"
    assert described.packages["numpy"].count(".") == 2
    assert described.packages["annotated-types"]
    assert "pip" not in described.packages
    assert described.python.endswith(".".join(map(str, sys.version_info[:3])))
    assert described.sha256 == content_hash(described.python, described.packages, described.facts)


def test_a_description_tells_nothing_of_where_things_are(root: Path) -> None:
    info = find("theano")
    environments.choose(info, Path(sys.executable))
    assert str(Path(sys.executable).parent) not in str(environments.describe(info))


def test_a_missing_environment_is_described_as_missing(root: Path) -> None:
    described = environments.describe(find("theano"))
    assert (described.origin, described.packages) == ("missing", {})
