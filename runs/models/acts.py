"""Who may upload, and who did what."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from runs.models.common import one_of, owner_column
from runs.models.results import Run
from runs.models.subjects import Experiment, Machine
from runs.models.visible import VisibleManager


class ApiToken(models.Model):
    """A program's key. Only its hash is kept: the secret is shown once, when it is made."""

    name = models.CharField(max_length=100)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    sha256 = models.CharField(max_length=64, unique=True)
    can_upload = models.BooleanField(default=False)
    machines = models.JSONField(default=list, blank=True)
    """Names of the machines that it may upload to; all of its user's if empty."""
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    """To the hour."""

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


ACTS = [
    ("exclude", "exclude"),
    ("restore", "restore"),
    ("rename", "rename"),
    ("merge", "merge"),
    ("hide", "hide"),
    ("show", "show"),
    ("acknowledge", "acknowledge"),
    ("price", "price"),
]


class Act(models.Model):
    """One act on what is stored: who, when, what and why. Written once, and never changed."""

    kind = models.CharField(max_length=20, choices=ACTS)
    at = models.DateTimeField(auto_now_add=True)
    user = owner_column()
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, null=True, blank=True, related_name="acts")
    machine = models.ForeignKey(Machine, on_delete=models.SET_NULL, null=True, blank=True, related_name="acts")
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="acts")
    reason = models.TextField(blank=True)
    details = models.JSONField(default=dict, blank=True)
    """What was before and after, in words that need no other row."""

    objects = VisibleManager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [one_of("kind", ACTS)]

    def __str__(self) -> str:
        return f"{self.kind} at {self.at:%Y-%m-%d %H:%M}"
