"""Make the cache that comparisons read again from the runs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.progress import track

from runs.models import Experiment
from runs.services.summaries import rebuild_in_pieces

_MANY = 20


class Command(BaseCommand):
    help = (
        "Make every summary again from the stored runs, piece by piece, while the site goes on. Gives the same rows; "
        "of use after a mishap. It can be stopped and begun again at any time."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        experiments, console = list(Experiment.objects.order_by("pk")), Console(stderr=True)
        shown = track(experiments, "experiments", console=console, disable=len(experiments) < _MANY)
        count = sum(sum(rebuild_in_pieces(experiment)) for experiment in shown)
        self.stdout.write(f"{count} summaries rebuilt.")
