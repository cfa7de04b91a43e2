"""What a supervisor asks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_healthz_says_that_the_database_answers(client: Client) -> None:
    assert client.get(reverse("healthz")).json() == {"status": "healthy", "database": "responding"}


def test_healthz_says_when_it_does_not(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def refuse(*args: object) -> Iterator[None]:
        raise OperationalError("gone")

    monkeypatch.setattr("runs.pages.health.connection.cursor", refuse)
    assert client.get(reverse("healthz")).status_code == 503
