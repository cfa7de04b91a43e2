"""What was measured. A run keeps its whole record; every other column and every summary can be derived again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.urls import reverse

from runs.models.common import DEVICES, EQUIVALENCES, STATUSES, TRACKS, one_of, owner_column
from runs.models.packing import PackedTextField
from runs.models.stored_form import SHARED_PARTS
from runs.models.subjects import CELL_FIELDS, CellColumns, Environment, Experiment, Machine, Workload
from runs.models.visible import VisibleManager

CLOCK_TOLERANCE = timedelta(minutes=5)


class RecordPart(models.Model):
    """A part that many records repeat (a machine, an environment), to the letter as it came, kept once."""

    sha256 = models.CharField(max_length=64, unique=True)
    text = models.TextField()
    """Canonical JSON."""

    def __str__(self) -> str:
        return self.sha256[:12]


class RunQuerySet(models.QuerySet["Run"]):
    def finished(self) -> RunQuerySet:
        return self.filter(status="finished")

    def with_everything(self) -> RunQuerySet:
        """With the rows that a page about a run names."""
        return self.select_related("experiment", "machine", "environment", "workload")

    def of_cell(self, cell: Mapping[str, Any]) -> RunQuerySet:
        """By its CELL_FIELDS, in no order, without what is long."""
        return self.filter(**cell).defer("body").order_by()


RunManager = VisibleManager.from_queryset(RunQuerySet)


def _shared_part() -> models.ForeignKey[Any, Any]:
    """Looked up from a run alone: no index."""
    return models.ForeignKey(
        RecordPart, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )


def _by_time(name: str, *fields: str, condition: Q | None = None) -> models.Index:
    """Walked backwards, the newest first. Ascending, since new runs then go to the end of their part of it."""
    return models.Index(fields=[*fields, "finished_at", "id"], name=name, condition=condition)


class Run(CellColumns):
    """One process that measured one cell, or the reason why it could not."""

    run_id = models.UUIDField(unique=True)
    content_sha256 = models.CharField(max_length=64)
    status = models.CharField(max_length=20, choices=STATUSES)
    reason = models.TextField(blank=True)
    block = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    received_at = models.DateTimeField(auto_now_add=True)
    lasted_seconds = models.FloatField(default=0.0)
    """From its start to its end, whatever came of it."""
    seconds = models.FloatField(null=True, blank=True)
    """Of the median steady epoch, or of the median call; null unless the run finished."""
    tail_seconds = models.FloatField(null=True, blank=True)
    """The 99th percentile of the calls; null for whoever trained."""
    mean_seconds = models.FloatField(null=True, blank=True)
    """Of a call; null for whoever trained."""
    equivalence = models.CharField(max_length=10, choices=EQUIVALENCES, default="unverified")
    """What the equivalence gate had said of the engine when it ran."""
    body = PackedTextField()
    """The run record's JSON, without the parts that have rows of their own; `record` is the whole."""
    environment_part = _shared_part()
    machine_part = _shared_part()
    excluded_at = models.DateTimeField(null=True, blank=True)
    excluded_by = owner_column()
    exclusion_reason = models.TextField(blank=True)

    objects = RunManager()

    class Meta:
        ordering: ClassVar = ["-finished_at", "-id"]
        constraints: ClassVar = [
            one_of("status", STATUSES),
            one_of("device", DEVICES),
            one_of("track", TRACKS),
            one_of("equivalence", EQUIVALENCES),
            models.CheckConstraint(condition=Q(seconds__gte=0), name="run_seconds_are_not_negative"),
            models.CheckConstraint(
                condition=Q(status="finished", seconds__isnull=False)
                | (~Q(status="finished") & Q(seconds__isnull=True)),
                name="run_has_a_time_if_finished",
            ),
            models.CheckConstraint(
                condition=Q(excluded_at__isnull=True, exclusion_reason="")
                | (Q(excluded_at__isnull=False) & ~Q(exclusion_reason="")),
                name="run_is_excluded_with_a_reason",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["experiment", "engine", "workload"], name="run_of_an_experiment"),
            models.Index(fields=["workload"], name="run_of_a_workload"),
            models.Index(fields=["id"], condition=Q(excluded_at__isnull=False), name="run_excluded"),
            models.Index(fields=["seconds", "id"], condition=Q(seconds__isnull=False), name="run_fastest_first"),
            models.Index(fields=["lasted_seconds", "id"], name="run_longest_first"),
            _by_time("run_newest_first"),
            _by_time("run_newest_of_experiment", "experiment"),
            _by_time("run_newest_of_machine", "machine"),
            _by_time("run_newest_of_environment", "environment"),
            _by_time("run_newest_of_engine", "engine"),
            _by_time("run_newest_unfinished", "status", condition=Q(seconds__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.engine} · {self.workload} · block {self.block}"

    def get_absolute_url(self) -> str:
        return reverse("run", args=[self.run_id])

    @property
    def record(self) -> dict[str, Any]:
        """The whole run record, as the contract defines it."""
        document: dict[str, Any] = json.loads(self.body)
        for name in SHARED_PARTS:
            part = getattr(self, f"{name}_part")
            if part is not None:
                document[name] = json.loads(part.text)
        return document

    @record.setter
    def record(self, document: Mapping[str, Any]) -> None:
        self.body = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @property
    def record_text(self) -> str:
        """The record's canonical JSON: what was uploaded, to the letter."""
        return json.dumps(self.record, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @property
    def is_excluded(self) -> bool:
        return self.excluded_at is not None

    @property
    def has_a_clock_ahead(self) -> bool:
        """Whether it says that it finished after it was received: its machine's clock is wrong."""
        return self.finished_at > self.received_at + CLOCK_TOLERANCE


class Summary(CellColumns):
    """What comparisons read: the log medians of a cell's newest finished runs, and how many runs ended how.

    A cache: `rebuildsummaries` makes the same rows from the runs.
    """

    samples = models.JSONField(default=list)
    """[block, log of the run's `seconds`], sorted; one for each of the newest finished runs, as
    `services.tally.MOST_SAMPLES` says: so that a cell costs the same however many runs it has."""
    tails = models.JSONField(default=list)
    """The same of their `tail_seconds`; empty where they trained."""
    means = models.JSONField(default=list)
    status_counts = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    """Why, if no run finished: the newest run's reason."""
    newest_run_at = models.DateTimeField()
    equivalence = models.CharField(max_length=10, choices=EQUIVALENCES, default="unverified")
    """The gate's newest word, of all its runs that have one."""
    verified_at = models.DateTimeField(null=True, blank=True)
    """When the run with that word ended; null where none has one."""

    objects = VisibleManager()

    class Meta:
        verbose_name_plural = "summaries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=CELL_FIELDS, name="one_summary_per_cell"),
            one_of("device", DEVICES),
            one_of("track", TRACKS),
        ]
        indexes: ClassVar = [
            models.Index(fields=["machine"], name="summary_of_a_machine"),
            models.Index(fields=["environment"], name="summary_of_an_environment"),
            models.Index(fields=["workload", "machine", "engine"], name="summary_of_a_series"),
            models.Index(fields=["engine_sha256"], condition=Q(equivalence="failed"), name="summary_not_equivalent"),
        ]

    def __str__(self) -> str:
        return f"{self.engine} · {self.workload} · {self.device} · {self.threads} threads"


COVERAGE_FIELDS = ("experiment", "machine", "environment", "engine", "track")


class Coverage(models.Model):
    """How much an experiment has of an engine on a machine: what lists count, without reading every summary.

    A cache, as summaries are, and kept with them.
    """

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="+", db_index=False)
    machine = models.ForeignKey(Machine, on_delete=models.PROTECT, related_name="+")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    engine = models.CharField(max_length=100)
    track = models.CharField(max_length=20, choices=TRACKS)
    cells = models.PositiveIntegerField()
    runs = models.PositiveIntegerField()
    """However they ended, excluded ones among them."""
    newest_run_at = models.DateTimeField()

    objects = VisibleManager()

    class Meta:
        verbose_name_plural = "coverage"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=COVERAGE_FIELDS, name="one_coverage_per_engine"),
            one_of("track", TRACKS),
        ]

    def __str__(self) -> str:
        return f"{self.engine}, {self.track}: {self.cells} cells"


PROFILE_FIELDS = tuple(name for name in CELL_FIELDS if name not in {"experiment", "engine_sha256"})
"""The newest profile is kept, of whatever experiment and code."""


class Profile(models.Model):
    """Where a cell's time goes, by its framework's own profiler: the newest of the cell. No summary reads it."""

    profile_id = models.UUIDField(unique=True)
    machine = models.ForeignKey(Machine, on_delete=models.PROTECT, related_name="profiles")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="profiles")
    workload = models.ForeignKey(Workload, on_delete=models.PROTECT, related_name="profiles")
    engine = models.CharField(max_length=100)
    track = models.CharField(max_length=20, choices=TRACKS)
    device = models.CharField(max_length=10, choices=DEVICES)
    threads = models.PositiveIntegerField()
    finished_at = models.DateTimeField()
    body = models.TextField()
    """The whole profile record, canonical JSON."""

    class Meta:
        ordering: ClassVar = ["-finished_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=PROFILE_FIELDS, name="one_profile_per_cell"),
            one_of("device", DEVICES),
            one_of("track", TRACKS),
        ]

    def __str__(self) -> str:
        return f"Profile of {self.engine} · {self.workload} · {self.device} · {self.threads} threads"
