from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

from tests.runs.api.people import Caller, caller, make_user


@pytest.fixture(autouse=True)
def _no_counts_from_other_tests() -> None:
    cache.clear()


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """A good password hash is slow by design; hundreds of tests make users."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _plain_static(settings: Any) -> None:
    """Hashed file names need a collectstatic, which tests do without."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture
def ada(db: None) -> User:
    return make_user("ada")


@pytest.fixture
def uploader(ada: User) -> Caller:
    return caller(ada)
