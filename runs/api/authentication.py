"""Who calls: a token in the Authorization header, or (to read) a signed-in browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import User
from rest_framework import authentication, exceptions
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from runs.models import ApiToken
from runs.services import tokens

if TYPE_CHECKING:
    from rest_framework.views import APIView

KEYWORD = "Bearer"


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer benchsite_…`"""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        keyword, _, secret = request.headers.get("Authorization", "").partition(" ")
        if keyword.lower() != KEYWORD.lower():
            return None
        token = tokens.token_of(secret.strip())
        if token is None:
            raise exceptions.AuthenticationFailed("This token is unknown, expired or revoked. Make a new one.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return KEYWORD


class ReadsAreOpen(BasePermission):
    """Everybody reads, or whoever is signed in if public read is off. Writing takes a token that may upload."""

    message = "Sign in, or send a token: Authorization: Bearer …"

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.method in SAFE_METHODS:
            return settings.BENCHSITE_PUBLIC_READ or bool(request.user and request.user.is_authenticated)
        if not isinstance(request.auth, ApiToken):
            return False
        if not request.auth.can_upload:
            raise exceptions.PermissionDenied("This token only reads. Make one that may upload.")
        return True
