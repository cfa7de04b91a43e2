"""The results database. A run keeps its whole record; every other column and every summary can be derived again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, get_args

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from engines import contract
from engines.contract import Network
from engines.registry import ENGINES
from runs import viewing
from runs.records import SHARED_PARTS

if TYPE_CHECKING:
    from typing import Self

    from django_stubs_ext.db.models.manager import RelatedManager


def _choices(literal: object) -> list[tuple[str, str]]:
    return [(value, value.replace("_", " ")) for value in get_args(literal)]


STATUSES = _choices(contract.Status)
DEVICES = _choices(contract.Device)
TRACKS = _choices(contract.Track)
NETWORK_TYPES = _choices(contract.NetworkType)
DATA_SOURCES = _choices(contract.DataSource)


def _one_of(field: str, choices: list[tuple[str, str]]) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(**{f"{field}__in": [value for value, _ in choices]}), name=f"%(class)s_{field}_is_known"
    )


def _owner() -> models.ForeignKey[Any, Any]:
    """Null is the site's staff."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )


class ExperimentQuerySet(models.QuerySet["Experiment"]):
    def to_be_seen(self) -> ExperimentQuerySet:
        """Without others' private experiments."""
        hidden = viewing.hidden_experiments()
        return self.exclude(pk__in=hidden) if hidden else self


class ExperimentManager(models.Manager["Experiment"]):
    def get_queryset(self) -> ExperimentQuerySet:
        return ExperimentQuerySet(self.model, using=self._db).to_be_seen()


class Experiment(models.Model):
    """A suite carried out on one or more machines. A private one is its owner's and the staff's alone to see."""

    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(max_length=110, unique=True)
    suite = models.CharField(max_length=100)
    preset = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)
    owner = _owner()
    is_private = models.BooleanField(default=False)

    runs: RelatedManager[Run]
    objects = ExperimentManager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class Machine(models.Model):
    """A machine as its user named it; only its owner uploads to it. `hardware` is the latest, a contract Machine."""

    name = models.CharField(max_length=100, unique=True)
    fingerprint = models.CharField(max_length=64)
    accepted_fingerprints = models.JSONField(default=list, blank=True)
    """Hardware that this machine had before, or besides: taken on by its user's word."""
    hardware = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    owner = _owner()

    runs: RelatedManager[Run]

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def knows(self, fingerprint: str) -> bool:
        return fingerprint == self.fingerprint or fingerprint in self.accepted_fingerprints


class FormerName(models.Model):
    """A name that a machine or an experiment had before: records that bear it still find their way."""

    name = models.CharField(max_length=100)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class FormerMachineName(FormerName):
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="former_names")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["name"], name="one_machine_per_former_name")]


class FormerExperimentName(FormerName):
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="former_names")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["name"], name="one_experiment_per_former_name")]


class Environment(models.Model):
    """The exact software of a run; equal digests are one row."""

    sha256 = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    origin = models.CharField(max_length=10)
    python = models.CharField(max_length=500, blank=True)
    packages = models.JSONField(default=dict)
    facts = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering: ClassVar = ["name", "-id"]

    def __str__(self) -> str:
        return f"{self.name} {self.sha256[:8]}"


class Workload(models.Model):
    """A network, its data and how it is trained; equal content is one row."""

    key = models.CharField(max_length=64, unique=True)
    network_type = models.CharField(max_length=10, choices=NETWORK_TYPES)
    hidden_layers = models.PositiveIntegerField()
    width = models.PositiveIntegerField()
    dataset = models.CharField(max_length=100)
    data_source = models.CharField(max_length=20, choices=DATA_SOURCES)
    data_sha256 = models.CharField(max_length=64)
    train_samples = models.PositiveIntegerField()
    test_samples = models.PositiveIntegerField()
    batch_size = models.PositiveIntegerField()
    optimizer = models.CharField(max_length=100)
    learning_rate = models.FloatField()
    parameters = models.PositiveBigIntegerField()
    flops_per_epoch = models.PositiveBigIntegerField()

    class Meta:
        ordering: ClassVar = ["network_type", "hidden_layers", "width", "train_samples"]
        constraints: ClassVar = [_one_of("network_type", NETWORK_TYPES), _one_of("data_source", DATA_SOURCES)]

    def __str__(self) -> str:
        return f"{self.network} on {self.data_label}"

    @property
    def network(self) -> Network:
        network_type: contract.NetworkType = "cnn" if self.network_type == "cnn" else "mlp"
        return Network(network_type, self.hidden_layers, self.width)

    @property
    def is_synthetic(self) -> bool:
        return self.data_source == "synthetic"

    @property
    def data_label(self) -> str:
        """The data set and how many samples, with the word that no reader may miss."""
        label = f"{self.dataset}, {self.train_samples:,} samples"
        return f"{label} (synthetic)" if self.is_synthetic else label


class CellColumns(models.Model):
    """The columns that say which cell of which comparison a row belongs to."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="%(class)ss")
    machine = models.ForeignKey(Machine, on_delete=models.PROTECT, related_name="%(class)ss")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="%(class)ss")
    workload = models.ForeignKey(Workload, on_delete=models.PROTECT, related_name="%(class)ss")
    engine = models.CharField(max_length=100)
    track = models.CharField(max_length=20, choices=TRACKS)
    device = models.CharField(max_length=10, choices=DEVICES)
    threads = models.PositiveIntegerField()

    class Meta:
        abstract = True

    @property
    def engine_title(self) -> str:
        """The engine's title; an engine that this site does not know keeps its slug, marked."""
        info = ENGINES.get(self.engine)
        return info.title if info else f"{self.engine} (unknown engine)"


CELL_FIELDS = ("experiment", "machine", "environment", "workload", "engine", "track", "device", "threads")


class RecordPart(models.Model):
    """A part that many records repeat (a machine, an environment), to the letter as it came, kept once."""

    sha256 = models.CharField(max_length=64, unique=True)
    text = models.TextField()
    """Canonical JSON."""

    def __str__(self) -> str:
        return self.sha256[:12]


M = TypeVar("M", bound=models.Model)
CLOCK_TOLERANCE = timedelta(minutes=5)


class CellQuerySet(models.QuerySet[M]):
    def to_be_seen(self) -> Self:
        """Without rows of others' private experiments."""
        hidden = viewing.hidden_experiments()
        return self.exclude(experiment__in=hidden) if hidden else self


class RunQuerySet(CellQuerySet["Run"]):
    def finished(self) -> RunQuerySet:
        return self.filter(status="finished")

    def with_everything(self) -> RunQuerySet:
        """With the rows that a page about a run names."""
        return self.select_related("experiment", "machine", "environment", "workload")


class RunManager(models.Manager["Run"]):
    def get_queryset(self) -> RunQuerySet:
        return RunQuerySet(self.model, using=self._db).to_be_seen()

    def finished(self) -> RunQuerySet:
        return self.get_queryset().finished()

    def with_everything(self) -> RunQuerySet:
        return self.get_queryset().with_everything()


class SummaryManager(models.Manager["Summary"]):
    def get_queryset(self) -> CellQuerySet[Summary]:
        return CellQuerySet(self.model, using=self._db).to_be_seen()


class ActManager(models.Manager["Act"]):
    def get_queryset(self) -> CellQuerySet[Act]:
        return CellQuerySet(self.model, using=self._db).to_be_seen()


def _shared_part() -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(RecordPart, on_delete=models.PROTECT, null=True, blank=True, related_name="+")


class Run(CellColumns):
    """One process that trained one cell, or the reason why it could not."""

    run_id = models.UUIDField(unique=True)
    content_sha256 = models.CharField(max_length=64)
    status = models.CharField(max_length=20, choices=STATUSES)
    reason = models.TextField(blank=True)
    block = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    received_at = models.DateTimeField(auto_now_add=True)
    epoch_seconds = models.FloatField(null=True, blank=True)
    """Median of the steady epochs, in seconds; null unless the run finished."""
    body = models.TextField()
    """The run record's JSON, without the parts that have rows of their own; `record` is the whole."""
    environment_part = _shared_part()
    machine_part = _shared_part()
    excluded_at = models.DateTimeField(null=True, blank=True)
    excluded_by = _owner()
    exclusion_reason = models.TextField(blank=True)

    objects = RunManager()

    class Meta:
        ordering: ClassVar = ["-finished_at", "-id"]
        constraints: ClassVar = [
            _one_of("status", STATUSES),
            _one_of("device", DEVICES),
            _one_of("track", TRACKS),
            models.CheckConstraint(condition=Q(epoch_seconds__gte=0), name="run_epoch_seconds_is_not_negative"),
            models.CheckConstraint(
                condition=Q(status="finished", epoch_seconds__isnull=False)
                | (~Q(status="finished") & Q(epoch_seconds__isnull=True)),
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
            models.Index(F("finished_at").desc(), F("id").desc(), name="run_newest_first"),
            models.Index(fields=["excluded_at"], condition=Q(excluded_at__isnull=False), name="run_excluded"),
        ]

    def __str__(self) -> str:
        return f"{self.engine_title} · {self.workload} · block {self.block}"

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
    """What comparisons read: the log median of each finished run of a cell, and how many runs ended how.

    A cache: `rebuildsummaries` makes the same rows from the runs.
    """

    samples = models.JSONField(default=list)
    """[block, log of the run's median steady epoch in seconds], sorted; one for each finished run."""
    status_counts = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    """Why, if no run finished: the newest run's reason."""
    newest_run_at = models.DateTimeField()

    objects = SummaryManager()

    class Meta:
        verbose_name_plural = "summaries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=CELL_FIELDS, name="one_summary_per_cell"),
            _one_of("device", DEVICES),
            _one_of("track", TRACKS),
        ]

    def __str__(self) -> str:
        return f"{self.engine_title} · {self.workload} · {self.device} · {self.threads} threads"


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
            models.UniqueConstraint(fields=CELL_FIELDS[1:], name="one_profile_per_cell"),  # of whatever experiment
            _one_of("device", DEVICES),
            _one_of("track", TRACKS),
        ]

    def __str__(self) -> str:
        return f"Profile of {self.engine} · {self.workload} · {self.device} · {self.threads} threads"


class PublishedSpeedUp(models.Model):
    """One value of the study's Tables 4.7 and 4.8: time on one CPU thread over time on the GPU."""

    network_type = models.CharField(max_length=10, choices=NETWORK_TYPES)
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

    network_type = models.CharField(max_length=10, choices=NETWORK_TYPES)
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


# ---------------------------------------------------------------- who may what, and who did what


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
]


class Act(models.Model):
    """One act on what is stored: who, when, what and why. Written once, and never changed."""

    kind = models.CharField(max_length=10, choices=ACTS)
    at = models.DateTimeField(auto_now_add=True)
    user = _owner()
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, null=True, blank=True, related_name="acts")
    machine = models.ForeignKey(Machine, on_delete=models.SET_NULL, null=True, blank=True, related_name="acts")
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="acts")
    reason = models.TextField(blank=True)
    details = models.JSONField(default=dict, blank=True)
    """What was before and after, in words that need no other row."""

    objects = ActManager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [_one_of("kind", ACTS)]

    def __str__(self) -> str:
        return f"{self.kind} at {self.at:%Y-%m-%d %H:%M}"
