"""What is measured, where and with which software: the columns that say which cell a run belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, get_args

from django.db import models

from engines import contract, networks
from engines.contract import Network
from runs.models.common import DATA_SOURCES, DEVICES, TASKS, TRACKS, one_of, owner_column
from runs.models.visible import VisibleManager

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

    from runs.models.results import Run


class Experiment(models.Model):
    """A suite carried out on one or more machines. A private one is its owner's and the staff's alone to see."""

    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(max_length=110, unique=True)
    suite = models.CharField(max_length=100)
    preset = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)
    owner = owner_column()
    is_private = models.BooleanField(default=False)

    runs: RelatedManager[Run]
    objects = VisibleManager("pk")

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
    owner = owner_column()
    hourly_price = models.DecimalField(max_digits=10, decimal_places=4, null=True, blank=True)
    """What an hour of it costs, as its user says; null where nobody said."""
    currency = models.CharField(max_length=3, blank=True)
    """Of the price, as ISO 4217 writes it."""

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


def known_network_type(name: str) -> contract.NetworkType:
    """Raises ValueError naming the known ones."""
    known = {each: each for each in get_args(contract.NetworkType)}
    if name not in known:
        raise ValueError(f"The network type {name!r} is not known here. Known types: {', '.join(known)}.")
    found: contract.NetworkType = known[name]
    return found


class Workload(models.Model):
    """A network, its data and how it is trained; equal content is one row."""

    key = models.CharField(max_length=64, unique=True)
    # Any that validated records have: a family that is added needs no migration.
    network_type = models.CharField(max_length=20)
    hidden_layers = models.PositiveIntegerField()
    width = models.PositiveIntegerField()
    options = models.CharField(max_length=200, blank=True, default="")
    """What its family has beside depth and width, where it is not at its default: `context 128 heads 2`."""
    dataset = models.CharField(max_length=100)
    data_source = models.CharField(max_length=20, choices=DATA_SOURCES)
    data_sha256 = models.CharField(max_length=64)
    train_samples = models.PositiveIntegerField()
    test_samples = models.PositiveIntegerField()
    batch_size = models.PositiveIntegerField()
    optimizer = models.CharField(max_length=100)
    learning_rate = models.FloatField()
    task = models.CharField(max_length=20, choices=TASKS, default="train")
    replicas = models.PositiveIntegerField(default=1)
    """How many copies train together, each on its share of every batch."""
    parameters = models.PositiveBigIntegerField()
    flops = models.PositiveBigIntegerField()
    """Of what is timed: an epoch, or a call."""

    class Meta:
        ordering: ClassVar = ["network_type", "hidden_layers", "width", "train_samples"]
        constraints: ClassVar = [one_of("data_source", DATA_SOURCES), one_of("task", TASKS)]

    def __str__(self) -> str:
        return f"{self.network} on {self.data_label}"

    @property
    def network(self) -> Network:
        """Raises ValueError for a type that this version does not know: it is no MLP."""
        return Network(
            known_network_type(self.network_type), self.hidden_layers, self.width, networks.options_in(self.options)
        )

    @property
    def is_synthetic(self) -> bool:
        return self.data_source == "synthetic"

    @property
    def data_label(self) -> str:
        """The data set and how many samples, with the word that no reader may miss."""
        label = f"{self.dataset}, {self.train_samples:,} samples"
        return f"{label} (synthetic)" if self.is_synthetic else label


def _key(model: type[models.Model], on_delete: Any = models.PROTECT) -> models.ForeignKey[Any, Any]:
    """Without an index of its own: each table has those that its reads walk."""
    return models.ForeignKey(model, on_delete=on_delete, related_name="%(class)ss", db_index=False)


class CellColumns(models.Model):
    """The columns that say which cell of which comparison a row belongs to."""

    experiment = _key(Experiment, models.CASCADE)
    machine = _key(Machine)
    environment = _key(Environment)
    workload = _key(Workload)
    engine = models.CharField(max_length=100)
    track = models.CharField(max_length=20, choices=TRACKS)
    device = models.CharField(max_length=10, choices=DEVICES)
    threads = models.PositiveIntegerField()
    engine_sha256 = models.CharField(max_length=64)
    """The hash of the engine's own files: what a changed engine gives is another cell."""

    class Meta:
        abstract = True


CELL_FIELDS = (
    "experiment",
    "machine",
    "environment",
    "workload",
    "engine",
    "track",
    "device",
    "threads",
    "engine_sha256",
)
