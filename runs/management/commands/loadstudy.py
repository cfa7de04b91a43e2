from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from runs.services.published import load_published
from runs.study.published import published


class Command(BaseCommand):
    help = "Store the tables that the study of 2017 published, so that pages can show them next to measured ones."

    def handle(self, *args: Any, **options: Any) -> None:
        counts = load_published(study=published())
        if not options["verbosity"]:
            return
        self.stdout.write(
            f"The study's tables are stored: {counts.speed_ups} speed-ups, {counts.recommendations} recommendations."
        )
