"""The documentation is true: its curl calls work, its settings are clean, and every address is in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from runs.models import Change, Environment, Experiment, Machine
from tests.records import make_record
from tests.runs.api.people import caller, lines, make_user
from tests.runs.api.test_curation import LAB_2

pytestmark = pytest.mark.slow

DOCS = Path(django_settings.BASE_DIR) / "docs"
API, DEPLOY = (DOCS / "api.md").read_text(), (DOCS / "deploy.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", API, flags=re.DOTALL)


def calls() -> list[str]:
    """Each curl command, its continued lines joined."""
    return [line for block in BLOCKS for line in block.replace("\\\n", " ").splitlines() if "curl" in line]


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed here")
@pytest.mark.django_db(transaction=True)
def make_change() -> Change:
    """Some change of the first machine, as a look would have found it."""
    machine, experiment, now = Machine.objects.get(name="lab-1"), Experiment.objects.get(), timezone.now()
    where = {"machine": machine, "experiment": experiment, "device": "cpu", "threads": 1}
    when = {"before_at": now, "after_at": now, "found_at": now}
    return Change.objects.create(
        key="a" * 32, kind="machine", **where, **when, ratio=1.2, p=0.0001, runs_before=5, runs_after=5
    )


def test_every_curl_call_works(live_server: Any, tmp_path: Path) -> None:
    assert len(calls()) > 25
    token = caller(make_user("ada"))
    records = [make_record("theano"), make_record("theano", machine=LAB_2)]
    assert token.upload(lines(*records)).json()["stored"] == 2
    (tmp_path / "quick.jsonl").write_bytes(lines(make_record(), make_record(block=1)) + b"\n")
    environment = os.environ | {
        "SITE": live_server.url,
        "TOKEN": token.secret,
        "RUN": records[0].run_id,
        "MACHINE": str(Machine.objects.get(name="lab-1").pk),
        "OTHER_MACHINE": str(Machine.objects.get(name="lab-2").pk),
        "ENVIRONMENT": str(Environment.objects.get().pk),
        "CHANGE": str(make_change().pk),
        "STAFF_TOKEN": caller(make_user("boss", is_staff=True)).secret,
        "no_proxy": "*",
    }
    for call in calls():
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", call], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{call}\n{done.stdout}\n{done.stderr}"
    assert (tmp_path / "runs.csv").read_text().startswith("experiment,machine,")
    assert Machine.objects.get().name == "oven"


def test_every_address_of_the_api_is_documented() -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    documented = "\n".join(calls())
    for path in schema["paths"]:
        pattern = re.sub(r"\\{\w+\\}", r"[$\\w-]+", re.escape(path))
        assert re.search(rf"\$SITE{pattern}(?=[\s?\"])", documented), path


def test_every_setting_is_documented() -> None:
    source = (Path(django_settings.BASE_DIR) / "benchsite" / "settings.py").read_text()
    named = set(re.findall(r'env\.\w+\(\s*"(\w+)"', source))
    assert named >= {"SECRET_KEY", "DATABASE_URL", "BENCHSITE_PUBLIC_READ"}
    assert [name for name in sorted(named) if f"`{name}`" not in DEPLOY] == []


def test_the_deployment_s_settings_leave_nothing_to_say(tmp_path: Path) -> None:
    block = re.search(r"```sh\n(DATABASE_URL.*?)```", DEPLOY, flags=re.DOTALL)
    assert block
    given = dict(line.split("=", 1) for line in block.group(1).splitlines())
    environment = os.environ | given | {"BENCHSITE_VAR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "benchsite.settings"}
    del environment["DJANGO_ALLOW_ASYNC_UNSAFE"]  # the tests' own
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=django_settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout + done.stderr
