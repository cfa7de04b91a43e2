"""The write that puts the study's published tables into the database."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from runs.models import PublishedRecommendation, PublishedSpeedUp
from runs.study.published import Published, recommended_slugs, speed_ups


@dataclass(frozen=True)
class PublishedCounts:
    speed_ups: int
    recommendations: int


@transaction.atomic
def load_published(*, study: Published) -> PublishedCounts:
    """Store the published tables in place of what was there: once or ten times, the same rows."""
    PublishedSpeedUp.objects.all().delete()
    PublishedRecommendation.objects.all().delete()
    values = PublishedSpeedUp.objects.bulk_create(PublishedSpeedUp(**vars(value)) for value in speed_ups(study))
    advice = PublishedRecommendation.objects.bulk_create(
        PublishedRecommendation(network_type=row.network_type, device=row.device, engines=recommended_slugs(study, row))
        for row in study.recommendations
    )
    return PublishedCounts(speed_ups=len(values), recommendations=len(advice))
