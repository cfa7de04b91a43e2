"""The page of fleets: what each machine is at, and what it must not tell."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from runs.fleet.state import begin
from runs.models import Experiment
from tests.runs.api.people import make_user
from tests.runs.fleet.test_state import left, told
from tests.runs.pages.reading import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def var(tmp_path: Path, settings: Any) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path


def test_the_page_shows_what_each_machine_is_at(client: Client, var: Path) -> None:
    now = datetime.now(UTC)
    fleet = told(begin("A night", "quick", ["lab1", "lab2"]), {"event": "there", "machines": ["lab1"]}, now=now)
    told(fleet, left("lab1", 4), {"event": "said", "machine": "lab1", "said": "[3/12] JAX · MLP 8x100"}, now=now)
    fleet.write(var)
    answer = client.get("/fleets/")
    page = answer.content.decode()
    assert answer["Refresh"] == "30"
    assert [word in page for word in ("lab1", "measuring", "JAX · MLP 8x100", "lab2", "absent", "4 min")] == [True] * 6
    fleet.ended_at = now.isoformat()
    fleet.write(var)
    answer = client.get("/fleets/")
    assert "Refresh" not in answer
    assert "stopped" in answer.content.decode()
    output = io.StringIO()
    call_command("fleet", "status", stdout=output)
    assert "lab2: missing since" in output.getvalue()


def test_a_fleet_of_a_private_experiment_is_shown_to_its_owner_alone(client: Client, var: Path) -> None:
    owner = make_user("ada")
    Experiment.objects.create(
        name="A night", slug="a-night", suite="quick", preset="quick", owner=owner, is_private=True
    )
    begin("A night", "quick", ["cellar"]).write(var)
    assert "cellar" not in text(client, "/fleets/")
    client.force_login(owner)
    assert "cellar" in text(client, "/fleets/")


def test_a_file_that_is_no_state_is_told_and_is_no_error(client: Client, var: Path) -> None:
    (var / "fleet").mkdir()
    (var / "fleet" / "broken.json").write_text("{")
    assert "is no state of a fleet" in text(client, "/fleets/")


def test_a_site_without_fleets_says_how_one_begins(client: Client, var: Path) -> None:
    assert "fleet run" in text(client, "/fleets/")
