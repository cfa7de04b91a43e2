"""What changed over time, once found: kept, so that it is told once, acknowledged once, and gone once."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from runs.models.common import DEVICES, one_of, owner_column
from runs.models.subjects import Experiment, Machine, Workload
from runs.models.visible import VisibleManager

KINDS = [
    ("release", "between two releases, in the same blocks"),
    ("step", "a step of a series over time"),
    ("machine", "the machine as a whole"),
]
EVENTS = [("seen", "first seen"), ("gone", "gone")]


class Change(models.Model):
    """One change of one series, or of a machine as a whole. `experiment` is the first that shows it."""

    key = models.CharField(max_length=64, unique=True)
    """Of what it is a change of: the same change found again is the same row."""
    kind = models.CharField(max_length=10, choices=KINDS)
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="changes")
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="+")
    before_experiment = models.ForeignKey(
        Experiment, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    workload = models.ForeignKey(Workload, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    """Null, as are the columns down to `threads`, of a machine as a whole."""
    engine = models.CharField(max_length=100, blank=True)
    track = models.CharField(max_length=20, blank=True)
    device = models.CharField(max_length=10, choices=DEVICES)
    threads = models.PositiveIntegerField(null=True, blank=True)
    before_release = models.CharField(max_length=200, blank=True)
    after_release = models.CharField(max_length=200, blank=True)
    before_at = models.DateTimeField()
    after_at = models.DateTimeField()
    ratio = models.FloatField()
    """After over before: 1.1 is 10 % slower."""
    low = models.FloatField(null=True, blank=True)
    high = models.FloatField(null=True, blank=True)
    p = models.FloatField()
    """Adjusted for all that was looked at with it."""
    runs_before = models.PositiveIntegerField()
    runs_after = models.PositiveIntegerField()
    """Runs of one experiment, or experiments of a stretch."""
    series = models.PositiveIntegerField(default=1)
    """How many of a machine's series moved with it."""
    changed = models.JSONField(default=list)
    """What else differed, in words."""
    found_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)
    episode = models.PositiveIntegerField(default=1)
    """One more each time that it came back."""
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = owner_column()
    acknowledgement = models.TextField(blank=True)

    objects = VisibleManager()

    class Meta:
        ordering: ClassVar = ["-found_at", "-id"]
        constraints: ClassVar = [
            one_of("kind", KINDS),
            one_of("device", DEVICES),
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True, acknowledgement="")
                | (Q(acknowledged_at__isnull=False) & ~Q(acknowledgement="")),
                name="change_is_acknowledged_with_a_reason",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["found_at", "id"], name="change_newest_first")]

    def __str__(self) -> str:
        return f"{self.engine or self.machine} {self.ratio:.3f}"

    @property
    def is_slower(self) -> bool:
        return self.ratio > 1

    @property
    def is_open(self) -> bool:
        """A regression that stands, and that nobody has acknowledged."""
        return self.is_slower and self.gone_at is None and self.acknowledged_at is None


class Alarm(models.Model):
    """One message to one sink about one event of a change: queued with the change, kept until it is out."""

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="alarms")
    episode = models.PositiveIntegerField()
    event = models.CharField(max_length=10, choices=EVENTS)
    sink = models.CharField(max_length=64)
    """A hash of the sink's address, which holds a password and stays out of the database."""
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField()
    """Not tried again before then."""
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["change", "episode", "event", "sink"], name="one_alarm_per_event_and_sink"),
            one_of("event", EVENTS),
        ]
        indexes: ClassVar = [models.Index(fields=["next_at"], condition=Q(sent_at__isnull=True), name="alarm_waiting")]

    def __str__(self) -> str:
        return f"{self.event} of {self.change_id}"
