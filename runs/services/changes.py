"""Keeping what changed: told once when it is first seen and once when it is gone, acknowledged with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from runs import viewing
from runs.errors import ConflictError, ForbiddenError, NotFoundError
from runs.models import Act, Change, Machine
from runs.services.alarms import queue
from runs.services.curation import cleaned_reason

SeriesValues = tuple[int, int, str, str, str, int]
"""Machine, workload, engine, track, device, threads."""


@dataclass(frozen=True)
class Seen:
    """A change as one look found it. `members` are the series of a machine's change; of any other it is `series`."""

    kind: str
    key: str
    series: SeriesValues
    columns: Mapping[str, Any]
    is_slower: bool
    stands: bool
    nearby: frozenset[int] = frozenset()
    """Experiments in one of which the same step would be found at another look."""
    members: tuple[SeriesValues, ...] = ()

    @property
    def place(self) -> tuple[str, int]:
        """Device and threads."""
        return self.series[-2], self.series[-1]


@dataclass(frozen=True)
class Report:
    """`seen` are new, or back; `gone` stood before; `standing` are all that stand now."""

    seen: tuple[Change, ...] = ()
    gone: tuple[Change, ...] = ()
    standing: tuple[Change, ...] = ()


@viewing.seen_by(None)
@transaction.atomic
def keep_changes(
    machine: Machine, looked_at: Iterable[SeriesValues], found: Sequence[Seen], *, sinks: Sequence[str] = ()
) -> Report:
    """What one look at these series of a machine found. Alarms are queued with it, for `sinks`, by their hashes."""
    Machine.objects.select_for_update().get(pk=machine.pk)  # two looks at once would both see it first
    known = list(Change.objects.filter(machine=machine))
    standing, seen = [], []
    for each in found:
        if not each.stands:
            continue
        row = next((row for row in known if _is_same(row, each)), None)
        is_news = row is None or row.gone_at is not None
        row = _kept(row, each)
        standing.append(row)
        if is_news:
            seen.append(row)
            queue(row, "seen", sinks)
    left = _no_longer(known, standing, set(looked_at))
    absorbed = {key for each in found if each.kind == "machine" for key in each.members}
    for row in left:
        row.gone_at = timezone.now()
        row.save(update_fields=["gone_at"])
        if _series(row) not in absorbed:  # else it lives on as its machine's
            queue(row, "gone", sinks)
    return Report(tuple(seen), tuple(left), tuple(standing))


def _is_same(row: Change, found: Seen) -> bool:
    """A step is the same near where it was, in its direction; a release's change by the two releases."""
    if row.kind != found.kind or found.kind == "release":
        return row.kind == found.kind and row.key == found.key
    own = (row.device, row.threads) == found.place if found.kind == "machine" else _series(row) == found.series
    return own and row.is_slower == found.is_slower and row.experiment_id in found.nearby


def _series(row: Change) -> SeriesValues | None:
    """None of a machine as a whole."""
    if row.workload_id is None:
        return None
    return row.machine_id, row.workload_id, row.engine, row.track, row.device, row.threads or 0


def _kept(row: Change | None, found: Seen) -> Change:
    """Written as it stands now; what came back is another episode, and no longer acknowledged."""
    values = {"kind": found.kind, **found.columns}
    if row is None:
        row, _ = Change.objects.update_or_create(key=found.key, defaults={**values, "found_at": timezone.now()})
        return row
    if row.gone_at is not None:
        values |= {"gone_at": None, "found_at": timezone.now(), "episode": row.episode + 1}
        values |= {"acknowledged_at": None, "acknowledged_by": None, "acknowledgement": ""}
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    return row


def _no_longer(known: Iterable[Change], standing: Iterable[Change], looked_at: set[SeriesValues]) -> list[Change]:
    """Of what stood, and was looked at, what stands no more. A machine's change is looked at with its series."""
    still = {row.pk for row in standing}
    places = {(device, threads) for *_, device, threads in looked_at}
    return [
        row
        for row in known
        if row.gone_at is None
        and row.pk not in still
        and ((row.device, row.threads) in places if row.kind == "machine" else _series(row) in looked_at)
    ]


# ---------------------------------------------------------------- acknowledging


@viewing.seen_by(None)
@transaction.atomic
def acknowledge(*, change_id: int, reason: str, by: User | None = None) -> Change:
    """The staff know of it, and say why it stands: it fails no command any more. An act, with its trail."""
    if by is not None and not by.is_staff:
        raise ForbiddenError("Only the staff may acknowledge changes.")
    try:
        change: Change = Change.objects.select_for_update(of=("self",)).get(pk=change_id)
    except Change.DoesNotExist:
        raise NotFoundError(f"There is no change {change_id}.", {"change": change_id}) from None
    why = cleaned_reason(reason)
    if change.acknowledged_at is not None:
        raise ConflictError(f"It is acknowledged already: {change.acknowledgement}", {"change": change_id})
    change.acknowledged_at, change.acknowledged_by, change.acknowledgement = timezone.now(), by, why
    change.save(update_fields=["acknowledged_at", "acknowledged_by", "acknowledgement"])
    details = {"change": change.pk, "ratio": change.ratio, "engine": change.engine}
    about = {"experiment": change.experiment, "machine": change.machine}
    Act.objects.create(kind="acknowledge", user=by, reason=why, details=details, **about)
    return change
