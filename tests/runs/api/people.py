"""Who calls the API in tests, and how: a user's tokens, and a client that sends them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from engines.contract import as_json
from engines.run_record import RunRecord
from runs.services import tokens
from runs.services.recording import record_runs
from runs.services.registration import Uploader

RUNS = "/api/v1/runs/"


@dataclass
class Caller:
    """A client with a token (or none). JSON goes in, answers come out as Django has them."""

    secret: str = ""
    client: Client = field(default_factory=Client)

    def get(self, address: str, **headers: str) -> Any:
        return self.client.get(address, headers=self._headers(headers))

    def send(self, method: str, address: str, document: Any) -> Any:
        return self.upload(json.dumps(document).encode(), address=address, method=method)

    def upload(
        self,
        body: bytes,
        *,
        address: str = RUNS,
        method: str = "POST",
        content_type: str = "application/json",
        **headers: str,
    ) -> Any:
        return self.client.generic(method, address, body, content_type=content_type, headers=self._headers(headers))

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        own = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        return own | {name.replace("_", "-"): value for name, value in headers.items()}


def make_user(name: str, **fields: Any) -> User:
    return User.objects.create_user(name, password="correct horse", **fields)


def caller(user: User, *, can_upload: bool = True, machines: Sequence[str] = ()) -> Caller:
    _, secret = tokens.make_token(user=user, name="test", can_upload=can_upload, machines=machines)
    return Caller(secret)


def store(*records: RunRecord, user: User | None = None) -> None:
    report = record_runs(records=records, uploader=Uploader(user) if user else None)
    assert not report.refused, report.refused


def lines(*records: RunRecord) -> bytes:
    return "\n".join(map(as_json, records)).encode()


def array(*records: RunRecord) -> bytes:
    return f"[{','.join(map(as_json, records))}]".encode()
