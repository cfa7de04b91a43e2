"""Tokens and the pages on which a user makes and revokes them."""

from __future__ import annotations

import re
from datetime import timedelta
from hashlib import sha256

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from runs.models import ApiToken
from runs.services import tokens
from tests.runs.api.people import Caller, make_user

pytestmark = pytest.mark.django_db
TOKENS = "/accounts/tokens/"


@pytest.fixture
def browser(ada: User) -> Client:
    client = Client()
    client.force_login(ada)
    return client


def make(browser: Client, **fields: str) -> str:
    page = browser.post(TOKENS, {"name": "lab", "days": "30", "machines": ""} | fields).content.decode()
    found = re.search(rf"{tokens.PREFIX}[\w-]+", page)
    assert found, page
    return found.group()


def test_a_token_is_shown_once_and_kept_as_a_hash(browser: Client) -> None:
    secret = make(browser)
    assert secret not in browser.get(TOKENS).content.decode()
    assert ApiToken.objects.get().sha256 == sha256(secret.encode()).hexdigest()
    assert Caller(secret).get("/api/v1/").status_code == 200


def test_its_scope_is_what_was_asked_for(browser: Client) -> None:
    make(browser, can_upload="on", machines="lab-1\n lab-2 \n\n")
    token = ApiToken.objects.get()
    assert (token.can_upload, token.machines) == (True, ["lab-1", "lab-2"])
    assert token.expires_at - timezone.now() <= timedelta(days=30)


@pytest.mark.parametrize("fields", [{"name": ""}, {"name": "x" * 101}, {"days": "0"}, {"days": "4000"}, {"days": "x"}])
def test_a_form_that_does_not_fit_makes_no_token(browser: Client, fields: dict[str, str]) -> None:
    response = browser.post(TOKENS, {"name": "lab", "days": "30"} | fields)
    assert response.status_code == 200
    assert not ApiToken.objects.exists()


def test_a_revoked_token_is_no_good_from_then_on(browser: Client) -> None:
    secret = make(browser)
    browser.post(f"{TOKENS}{ApiToken.objects.get().pk}/revoke/")
    assert Caller(secret).get("/api/v1/").status_code == 401


def test_an_expired_token_is_no_good(browser: Client) -> None:
    secret = make(browser)
    ApiToken.objects.update(expires_at=timezone.now())
    assert Caller(secret).get("/api/v1/").status_code == 401


def test_the_token_of_somebody_who_left_is_no_good(browser: Client, ada: User) -> None:
    secret = make(browser)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert Caller(secret).get("/api/v1/").status_code == 401


def test_nobody_revokes_or_sees_anothers_token(browser: Client) -> None:
    token, _ = tokens.make_token(user=make_user("bob"), name="bob's own")
    assert "bob's own" not in browser.get(TOKENS).content.decode().replace("&#x27;", "'")
    assert browser.post(f"{TOKENS}{token.pk}/revoke/").status_code == 404
    assert ApiToken.objects.get().revoked_at is None


def test_revoking_takes_more_than_a_link(browser: Client) -> None:
    make(browser)
    assert browser.get(f"{TOKENS}{ApiToken.objects.get().pk}/revoke/").status_code == 405


def test_use_is_noted_to_the_hour(browser: Client) -> None:
    secret = make(browser)
    Caller(secret).get("/api/v1/")
    first = ApiToken.objects.get().last_used_at
    Caller(secret).get("/api/v1/")
    assert first is not None
    assert ApiToken.objects.get().last_used_at == first


def test_signing_in_changing_the_password_and_signing_out(ada: User) -> None:
    client = Client()
    assert client.get(TOKENS)["Location"].startswith("/accounts/sign-in/")
    signed_in = client.post("/accounts/sign-in/", {"username": "ada", "password": "correct horse"})
    assert signed_in["Location"] == TOKENS
    change = {
        "old_password": "correct horse",
        "new_password1": "battery staple 7",
        "new_password2": "battery staple 7",
    }
    assert client.post("/accounts/password/", change).status_code == 302
    client.post("/accounts/sign-out/")
    assert client.get(TOKENS).status_code == 302
    assert client.login(username="ada", password="battery staple 7")


def test_a_weak_password_is_refused(browser: Client) -> None:
    change = {"old_password": "correct horse", "new_password1": "12345678", "new_password2": "12345678"}
    assert browser.post("/accounts/password/", change).status_code == 200


@pytest.mark.parametrize("page", ["/accounts/sign-in/", "/accounts/password/", TOKENS])
def test_pages_keep_to_the_content_security_policy(browser: Client, page: str) -> None:
    response = browser.get(page)
    assert response.status_code == 200
    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)| style=| on\w+=", response.content.decode())
