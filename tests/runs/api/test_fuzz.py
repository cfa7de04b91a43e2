"""Whatever is asked or sent, no answer is a 5xx, and the schema describes every one. `make fuzz` goes on for longer."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from benchsite.wsgi import application
from runs.models import Run
from runs.records.run_records import parse_record
from runs.services.summaries import rebuild_summaries
from tests.records import make_record
from tests.runs.api.people import Caller, caller, make_user, store
from tests.runs.kept import kept_rows

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))
"""For each operation, of fitting and of unfitting requests each."""
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]
SCHEMA.app = application
OPERATIONS: dict[str, Any] = {
    operation.ok().label: operation.ok()  # type: ignore[union-attr]
    for operation in SCHEMA.get_all_operations()
}


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Requests keep the test's own connection, as those of Django's test client do, and end no transaction of it."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def staff(db: None, one_connection: None, settings: Any) -> Caller:
    """Someone who may do everything, with something stored; calls are not counted."""
    settings.BENCHSITE_CALLS_PER_TOKEN = settings.BENCHSITE_CALLS_PER_ADDRESS = 0
    settings.ALLOWED_HOSTS = ["*"]
    user = make_user("fuzz", is_staff=True)
    store(make_record(), make_record("theano", status="crashed"), user=user)
    return caller(user)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "unfitting"])
@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_one_that_the_schema_describes(staff: Caller, label: str, mode: GenerationMode) -> None:
    headers, asked = {"Authorization": f"Bearer {staff.secret}", "Accept-Encoding": "identity"}, 0

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        nonlocal asked
        asked += 1
        case.call_and_validate(headers=headers, checks=CHECKS)

    ask()
    assert_sound()
    sys.stdout.write(f"{asked} requests\n")  # `make fuzz` shows and adds them


def assert_sound() -> None:
    """Whatever came in by then: each run is a record that an upload would take, and summaries are those of the runs."""
    for run in Run.objects.all():
        assert parse_record(run.record_text).run_id == str(run.run_id)
    before = kept_rows()
    rebuild_summaries()
    assert kept_rows() == before
