"""Make the cache that comparisons read again from the runs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from runs.services.summaries import rebuild_summaries


class Command(BaseCommand):
    help = "Make every summary again from the stored runs. Gives the same rows; of use after a mishap."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{rebuild_summaries()} summaries rebuilt.")
