from __future__ import annotations

from django.contrib.auth import views as auth_views
from django.urls import URLPattern, path, reverse_lazy

from runs.pages import accounts

urlpatterns: list[URLPattern] = [
    path("sign-in/", auth_views.LoginView.as_view(template_name="accounts/sign_in.html"), name="sign-in"),
    path("sign-out/", auth_views.LogoutView.as_view(), name="sign-out"),
    path(
        "password/",
        auth_views.PasswordChangeView.as_view(
            template_name="accounts/password.html", success_url=reverse_lazy("tokens")
        ),
        name="password",
    ),
    path("tokens/", accounts.token_page, name="tokens"),
    path("tokens/<int:pk>/revoke/", accounts.revoke, name="revoke-token"),
]
