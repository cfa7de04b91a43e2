"""What the study published, to stand beside what is measured."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from runs.models.common import DEVICES


class PublishedSpeedUp(models.Model):
    """One value of the study's Tables 4.7 and 4.8: time on one CPU thread over time on the GPU."""

    network_type = models.CharField(max_length=20)
    engine = models.CharField(max_length=100)
    hidden_layers = models.PositiveIntegerField()
    width = models.PositiveIntegerField()
    speed_up = models.FloatField()

    class Meta:
        ordering: ClassVar = ["network_type", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["network_type", "engine", "hidden_layers", "width"], name="one_published_speed_up_per_network"
            ),
            models.CheckConstraint(condition=Q(speed_up__gt=0), name="published_speed_up_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.engine} {self.network_type} {self.hidden_layers}x{self.width}: {self.speed_up}"


class PublishedRecommendation(models.Model):
    """One row of the study's Table 5.1: the engines it recommends in a situation."""

    network_type = models.CharField(max_length=20)
    device = models.CharField(max_length=10, choices=DEVICES)
    engines = models.JSONField(default=list)
    """Slugs, in the study's order."""

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["network_type", "device"], name="one_published_recommendation_each"),
        ]

    def __str__(self) -> str:
        return f"{self.network_type} on {self.device}: {', '.join(self.engines)}"
