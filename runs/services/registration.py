"""The rows that runs refer to: looked up by name or content, made where they are new."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Model
from django.utils.text import slugify

from engines import contract, networks, run_record
from engines.contract import content_hash
from engines.datasets import sample_of
from engines.machine import differences
from runs.errors import ConflictError
from runs.models import (
    Environment,
    Experiment,
    FormerExperimentName,
    FormerMachineName,
    Machine,
    RecordPart,
    Workload,
)
from runs.models.stored_form import PartText
from runs.services import bulk_reads
from runs.validation import from_python


@dataclass(frozen=True)
class Uploader:
    """Who brings records: a user, through a token that may be for some machines alone (all of the user's if empty)."""

    user: User
    machines: Sequence[str] = ()


def owns(user: User, owner_id: int | None) -> bool:
    """What nobody owns is the staff's."""
    return user.is_staff if owner_id is None else owner_id == user.pk


# ---------------------------------------------------------------- experiments


def experiments_named(names: Iterable[str]) -> dict[str, Experiment]:
    """By name, former names included. Private ones too: what is hidden from a visitor still has its name."""
    wanted = set(names)
    found = {row.name: row for row in bulk_reads.rows(Experiment, {"name": sorted(wanted)})} if wanted else {}
    if missing := wanted - set(found):
        former = FormerExperimentName.objects.filter(name__in=missing).select_related("experiment")
        found |= {row.name: row.experiment for row in former}
    return found


def register_experiment(*, name: str, suite: str, preset: str, owner: User | None = None) -> Experiment:
    """The experiment of that name; a new one if there is none."""
    if found := experiments_named([name]).get(name):
        return found
    slug = slugify(name)[:90] or "experiment"
    if Experiment._base_manager.filter(slug=slug).exists():
        slug = f"{slug}-{content_hash(name)[:8]}"
    experiment, _ = Experiment._base_manager.get_or_create(
        name=name, defaults={"slug": slug, "suite": suite, "preset": preset, "owner": owner}
    )
    return experiment


# ---------------------------------------------------------------- machines


def machines_named(names: Iterable[str]) -> dict[str, Machine]:
    """By name, former names included."""
    wanted = set(names)
    found = {row.name: row for row in bulk_reads.rows(Machine, {"name": sorted(wanted)})} if wanted else {}
    if missing := wanted - set(found):
        former = FormerMachineName.objects.filter(name__in=missing).select_related("machine")
        found |= {row.name: row.machine for row in former}
    return found


@transaction.atomic
def register_machine(
    *, machine: run_record.Machine, accept_hardware: bool = False, owner: User | None = None
) -> Machine:
    """The machine of that name. Raises ConflictError if its hardware is another, unless that is accepted."""
    row = machines_named([machine.name]).get(machine.name)
    if row is None:
        row, _ = Machine.objects.get_or_create(
            name=machine.name,
            defaults={"fingerprint": machine.fingerprint, "hardware": asdict(machine), "owner": owner},
        )
    if row.knows(machine.fingerprint):
        return row
    if not accept_hardware:
        raise other_hardware(row, machine)
    row = Machine.objects.select_for_update().get(pk=row.pk)
    row.accepted_fingerprints = [*row.accepted_fingerprints, row.fingerprint]
    row.fingerprint, row.hardware = machine.fingerprint, asdict(machine)
    row.save()
    return row


def other_hardware(row: Machine, machine: run_record.Machine) -> ConflictError:
    known = from_python(run_record.Machine, row.hardware)
    return ConflictError(
        f"The machine {row.name!r} has other hardware here: {'; '.join(differences(known, machine))}. "
        "Choose another name with --machine, or say that it is the same machine with --accept-hardware.",
        {"known": row.hardware, "offered": asdict(machine)},
    )


# ---------------------------------------------------------------- what its content names


def environments_of(
    documents: Mapping[str, run_record.Environment], known: Mapping[str, int] | None = None
) -> dict[str, int]:
    """The primary keys of environments, by digest; new ones made. `known` ones are not looked up again."""
    return _keys_of(Environment, "sha256", documents, known, lambda key: Environment(**asdict(documents[key])))


def workloads_of(documents: Mapping[str, contract.Workload], known: Mapping[str, int] | None = None) -> dict[str, int]:
    """The primary keys of workloads, by `workload_key`; the same way."""
    return _keys_of(Workload, "key", documents, known, lambda key: Workload(key=key, **_columns(documents[key])))


def parts_of(texts: Mapping[str, PartText], known: Mapping[str, int] | None = None) -> dict[str, int]:
    """The primary keys of records' shared parts, by digest; the same way."""
    return _keys_of(RecordPart, "sha256", texts, known, lambda key: RecordPart(sha256=key, text=texts[key].text))


def _keys_of(
    model: type[Model], name: str, wanted: Iterable[str], known: Mapping[str, int] | None, make: Callable[[str], Model]
) -> dict[str, int]:
    keys = dict(known or {})
    if left := sorted(set(wanted) - set(keys)):
        keys |= bulk_reads.pairs(model, name, "id", left)
    if missing := [key for key in left if key not in keys]:
        model._base_manager.bulk_create([make(key) for key in missing], ignore_conflicts=True)
        keys |= bulk_reads.pairs(model, name, "id", missing)
    return keys


@lru_cache(maxsize=10_000)
def workload_key(workload: contract.Workload) -> str:
    return content_hash(workload)


def _columns(workload: contract.Workload) -> dict[str, Any]:
    network, dataset = workload.network, workload.dataset
    return {
        "network_type": network.type,
        "hidden_layers": network.hidden_layers,
        "width": network.width,
        "options": " ".join(map(str, network.options)),
        "dataset": dataset.name,
        "data_source": dataset.source,
        "data_sha256": dataset.sha256,
        "train_samples": dataset.train_samples,
        "test_samples": dataset.test_samples,
        "batch_size": workload.batch_size,
        "optimizer": str(workload.optimizer),
        "learning_rate": workload.optimizer.learning_rate,
        "task": workload.task,
        "replicas": workload.replicas,
        "parameters": networks.parameters(network, sample_of(dataset.name)),
        "flops": networks.work_of(workload).flops,
    }
