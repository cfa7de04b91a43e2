"""Keys for programs: made once, shown once, kept as hashes alone."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from django.contrib.auth.models import User
from django.utils import timezone

from runs.errors import RunsError
from runs.models import ApiToken
from runs.services import bulk_reads

PREFIX = "benchsite_"
"""So that a secret that leaked is recognised."""
DEFAULT_DAYS, MAX_DAYS = 90, 3650
_USE_NOTED_EVERY = timedelta(hours=1)


def make_token(
    *, user: User, name: str, can_upload: bool = False, machines: Sequence[str] = (), days: int = DEFAULT_DAYS
) -> tuple[ApiToken, str]:
    """The token and its secret. 256 random bits need no slow hash."""
    if not 1 <= days <= MAX_DAYS:
        raise RunsError(f"days is {days}, allowed: 1 to {MAX_DAYS}.")
    if not name.strip() or len(name) > 100:
        raise RunsError("A token needs a name of 1 to 100 characters, to be told from others.")
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name.strip(),
        sha256=_hash(secret),
        can_upload=can_upload,
        machines=sorted(set(machines)),
        expires_at=timezone.now() + timedelta(days=days),
    )
    return token, secret


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def token_of(secret: str) -> ApiToken | None:
    """The token with this secret, if it is good still; notes that it was used."""
    now = timezone.now()
    token = bulk_reads.one_with(ApiToken, "user", "sha256", _hash(secret))
    if token is None or not is_good(token, now) or not token.user.is_active:
        return None
    if token.last_used_at is None or now - token.last_used_at > _USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def is_good(token: ApiToken, now: datetime) -> bool:
    return token.revoked_at is None and token.expires_at > now


def revoke_token(*, token: ApiToken) -> None:
    """At once and for good."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
