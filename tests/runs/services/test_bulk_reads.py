"""Several look-ups in one call to the database."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs.models import ApiToken, Environment, Run
from runs.services import bulk_reads
from runs.services.recording import record_runs
from runs.services.tokens import make_token
from tests.records import make_record

pytestmark = pytest.mark.django_db


def test_several_answers_each_question_in_one_query() -> None:
    record = make_record()
    record_runs(records=[record])
    environment = Environment.objects.get()
    with CaptureQueriesContext(connection) as queries:
        found = bulk_reads.several(
            (Environment, "sha256", "id", {environment.sha256, "0" * 64}),
            (Run, "content_sha256", "engine", []),
            (Run, "engine", "status", ["theano", "tensorflow"]),
        )
    assert found == [{environment.sha256: str(environment.pk)}, {}, {record.cell.engine: "finished"}]
    assert len(queries) == 1


def test_no_keys_are_no_query() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert bulk_reads.several((Run, "engine", "status", []), (Environment, "sha256", "id", ())) == [{}, {}]
    assert not queries


def test_an_upload_of_one_more_run_makes_few_queries() -> None:
    record_runs(records=[make_record(block=0)])
    with CaptureQueriesContext(connection) as queries:
        record_runs(records=[make_record(block=1)])
    words = [each["sql"] for each in queries if not each["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(words) <= 7, words


def test_a_token_comes_with_its_user_in_one_query() -> None:
    user = User.objects.create_user("ada")
    token, _secret = make_token(user=user, name="bench", machines=["lab-1"])
    with CaptureQueriesContext(connection) as queries:
        found = bulk_reads.one_with(ApiToken, "user", "sha256", token.sha256)
        assert found is not None
        assert (found, found.user, found.machines) == (token, user, ["lab-1"])
        assert found.expires_at == token.expires_at
    assert len(queries) == 1
    assert bulk_reads.one_with(ApiToken, "user", "sha256", "0" * 64) is None
