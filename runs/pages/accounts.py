"""A user's own pages: tokens made, shown once, listed and revoked. Accounts themselves are made by the staff."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from runs.models import ApiToken, Machine
from runs.services import tokens

KEPT_IN_SIGHT = timedelta(days=30)
"""How long a token that is no longer good stays on the list."""


class TokenForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("So that you can tell it apart, for example the machine's name.")
    )
    can_upload = forms.BooleanField(
        required=False, label=_("May upload runs"), help_text=_("If not, it can only read.")
    )
    machines = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        label=_("Only to these machines"),
        help_text=_("One name per line. Leave empty for all your machines, including new ones."),
    )
    days = forms.IntegerField(
        min_value=1, max_value=tokens.MAX_DAYS, initial=tokens.DEFAULT_DAYS, label=_("Expires after (days)")
    )

    def clean_machines(self) -> list[str]:
        return [name for line in self.cleaned_data["machines"].splitlines() if (name := line.strip())]


@login_required
@never_cache
def token_page(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        token, secret = tokens.make_token(user=user, **form.cleaned_data)
        return _page(request, TokenForm(), made=token, secret=secret)
    return _page(request, form)


def _page(request: HttpRequest, form: TokenForm, **context: Any) -> HttpResponse:
    now = timezone.now()
    user = _user(request)
    listed = ApiToken.objects.filter(user=user, expires_at__gt=now - KEPT_IN_SIGHT)
    return render(
        request,
        "accounts/tokens.html",
        {
            "form": form,
            "tokens": [(token, tokens.is_good(token, now)) for token in listed],
            "machines": Machine.objects.filter(owner=user),
            **context,
        },
    )


@login_required
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    tokens.revoke_token(token=get_object_or_404(ApiToken, pk=pk, user=_user(request)))
    return redirect("tokens")


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "login_required has seen to it"
    return request.user


ROUTES = (
    path("accounts/sign-in/", auth_views.LoginView.as_view(template_name="accounts/sign_in.html"), name="sign-in"),
    path("accounts/sign-out/", auth_views.LogoutView.as_view(), name="sign-out"),
    path(
        "accounts/password/",
        auth_views.PasswordChangeView.as_view(
            template_name="accounts/password.html", success_url=reverse_lazy("tokens")
        ),
        name="password",
    ),
    path("accounts/tokens/", token_page, name="tokens"),
    path("accounts/tokens/<int:pk>/revoke/", revoke, name="revoke-token"),
)
