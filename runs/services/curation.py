"""Acts of people on what is stored: exclude, restore, rename, merge, hide. Each is one transaction, and logged.

`by` is whoever acts; None is the site's own staff, on its command line.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from runs import viewing
from runs.errors import ConflictError, ForbiddenError, NotFoundError, RunsError
from runs.models import Act, ApiToken, Experiment, FormerExperimentName, FormerMachineName, Machine, Run
from runs.services import registration
from runs.services.profiles import move_profiles
from runs.services.summaries import hold_off_writers, rebuild_summaries, recount

MAX_REASON = 2000
MAX_NAME = 100
_MOST_PRICE = 100_000


def _check_allowed(by: User | None, owner_id: int | None) -> None:
    if by is not None and not by.is_staff and not registration.owns(by, owner_id):
        raise ForbiddenError("Only its owner and the staff may do this.")


def _cleaned(text: str, field: str, longest: int) -> str:
    cleaned = text.strip()
    if not cleaned or len(cleaned) > longest or "\0" in cleaned:
        shown = cleaned[:80].replace("\0", "\\0")
        allowed = f"a text of 1 to {longest:,} characters"
        raise RunsError(f"{field} is {shown!r}, allowed: {allowed}.", _extra(field, shown, allowed))
    return cleaned


def cleaned_reason(text: str) -> str:
    """Raises RunsError where it is none."""
    return _cleaned(text, "reason", MAX_REASON)


def _extra(field: str, value: str, allowed: str) -> dict[str, Any]:
    return {"field": field, "value": value, "allowed": allowed}


# ---------------------------------------------------------------- exclusions


@viewing.seen_by(None)
@transaction.atomic
def exclude_run(*, run_id: str, reason: str, by: User | None = None) -> Run:
    """Leave a run out of every comparison, and say why. Its record stays."""
    run = _locked_run(run_id, by)
    why = cleaned_reason(reason)
    if run.is_excluded:
        raise ConflictError(f"This run is excluded already: {run.exclusion_reason}", {"run": str(run.run_id)})
    _mark(run, "exclude", why, by)
    return run


@viewing.seen_by(None)
@transaction.atomic
def restore_run(*, run_id: str, reason: str, by: User | None = None) -> Run:
    """Take an excluded run into comparisons again."""
    run = _locked_run(run_id, by)
    why = cleaned_reason(reason)
    if not run.is_excluded:
        raise ConflictError("This run is not excluded.", {"run": str(run.run_id)})
    _mark(run, "restore", why, by)
    return run


def _locked_run(run_id: str, by: User | None) -> Run:
    try:
        run: Run = (
            Run.objects.select_for_update(of=("self",)).select_related("machine", "experiment").get(run_id=UUID(run_id))
        )
    except (ValueError, Run.DoesNotExist):
        raise NotFoundError(f"There is no run {run_id[:36]!r}.", {"run": run_id[:36]}) from None
    _check_allowed(by, run.machine.owner_id)
    return run


def _mark(run: Run, kind: str, reason: str, by: User | None) -> None:
    excludes = kind == "exclude"
    run.excluded_at, run.excluded_by = (timezone.now(), by) if excludes else (None, None)
    run.exclusion_reason = reason if excludes else ""
    run.save(update_fields=["excluded_at", "excluded_by", "exclusion_reason"])
    recount(run)
    about = {"run": run, "experiment": run.experiment, "machine": run.machine}
    Act.objects.create(kind=kind, user=by, reason=reason, details={"run": str(run.run_id)}, **about)


# ---------------------------------------------------------------- names


@viewing.seen_by(None)
@transaction.atomic
def rename_machine(*, machine: Machine, name: str, by: User | None = None) -> Machine:
    """Records that bear the old name still belong to it."""
    row = Machine.objects.select_for_update().get(pk=machine.pk)
    _check_allowed(by, row.owner_id)
    new, old = _cleaned(name, "name", MAX_NAME), row.name
    _check_free(registration.machines_named([new]).get(new), row, new)
    if new != old:
        FormerMachineName.objects.filter(name=new).delete()
        row.name = new
        row.save(update_fields=["name"])
        FormerMachineName.objects.create(name=old, machine=row)
        _rename_in_tokens(old, new)
        Act.objects.create(kind="rename", user=by, machine=row, details={"from": old, "to": new})
    return row


def _rename_in_tokens(old: str, new: str) -> None:
    for token in ApiToken.objects.exclude(machines=[]):
        if old in token.machines:
            token.machines = sorted({new if name == old else name for name in token.machines})
            token.save(update_fields=["machines"])


@viewing.seen_by(None)
@transaction.atomic
def set_price(*, machine: Machine, price: str, currency: str, by: User | None = None) -> Machine:
    """What an hour of the machine costs, `price` as a number is written; an empty one forgets it. Raises RunsError."""
    row = Machine.objects.select_for_update().get(pk=machine.pk)
    _check_allowed(by, row.owner_id)
    before = _price_words(row)
    row.hourly_price = _cleaned_price(price) if price else None
    row.currency = _cleaned_currency(currency) if price else ""
    row.save(update_fields=["hourly_price", "currency"])
    Act.objects.create(kind="price", user=by, machine=row, details={"from": before, "to": _price_words(row)})
    return row


def _cleaned_price(text: str) -> Decimal:
    allowed = f"a number above 0 and below {_MOST_PRICE:,}, as 0.35"
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise RunsError(f"price is {text[:40]!r}, allowed: {allowed}.", _extra("price", text[:40], allowed)) from None
    if not (value.is_finite() and 0 < value < _MOST_PRICE):
        raise RunsError(f"price is {text[:40]!r}, allowed: {allowed}.", _extra("price", text[:40], allowed))
    return round(value, 4)


def _cleaned_currency(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", text):
        allowed = "three capital letters, as EUR"
        raise RunsError(f"currency is {text[:40]!r}, allowed: {allowed}.", _extra("currency", text[:40], allowed))
    return text


def _price_words(machine: Machine) -> str:
    return "" if machine.hourly_price is None else f"{machine.hourly_price} {machine.currency}"


@viewing.seen_by(None)
@transaction.atomic
def rename_experiment(*, experiment: Experiment, name: str, by: User | None = None) -> Experiment:
    """Its address stays; records that bear the old name still belong to it."""
    row: Experiment = Experiment.objects.select_for_update().get(pk=experiment.pk)
    _check_allowed(by, row.owner_id)
    new, old = _cleaned(name, "name", MAX_NAME), row.name
    _check_free(registration.experiments_named([new]).get(new), row, new)
    if new != old:
        FormerExperimentName.objects.filter(name=new).delete()
        row.name = new
        row.save(update_fields=["name"])
        FormerExperimentName.objects.create(name=old, experiment=row)
        Act.objects.create(kind="rename", user=by, experiment=row, details={"from": old, "to": new})
    return row


def _check_free(holder: Machine | Experiment | None, row: Machine | Experiment, name: str) -> None:
    if holder is not None and holder.pk != row.pk:
        allowed = "a name that no other has or had"
        raise ConflictError(f"The name {name!r} is taken. Choose another one.", _extra("name", name, allowed))


@viewing.seen_by(None)
@transaction.atomic
def set_privacy(*, experiment: Experiment, is_private: bool, by: User | None = None) -> Experiment:
    """A private experiment is its owner's and the staff's alone to see."""
    row: Experiment = Experiment.objects.select_for_update().get(pk=experiment.pk)
    _check_allowed(by, row.owner_id)
    if row.is_private != is_private:
        row.is_private = is_private
        row.save(update_fields=["is_private"])
        Act.objects.create(kind="hide" if is_private else "show", user=by, experiment=row)
    return row


@viewing.seen_by(None)
@transaction.atomic
def merge_machines(*, machine: Machine, into: Machine, by: User | None = None) -> Machine:
    """Two names of one machine become one: its runs, hardware and former names go to `into`."""
    if machine.pk == into.pk:
        raise ConflictError("A machine cannot be merged into itself.", _extra("into", into.name, "another machine"))
    hold_off_writers()
    rows = {row.pk: row for row in Machine.objects.select_for_update().filter(pk__in=[machine.pk, into.pk])}
    source, target = rows[machine.pk], rows[into.pk]
    _check_allowed(by, source.owner_id)
    _check_allowed(by, target.owner_id)
    Run.objects.filter(machine=source).update(machine=target)
    Act.objects.filter(machine=source).update(machine=target)
    move_profiles(source=source, target=target)
    rebuild_summaries(machine=source)
    rebuild_summaries(machine=target)
    known = {target.fingerprint, *target.accepted_fingerprints}
    others = [each for each in (source.fingerprint, *source.accepted_fingerprints) if each not in known]
    target.accepted_fingerprints = [*target.accepted_fingerprints, *others]
    target.save(update_fields=["accepted_fingerprints"])
    FormerMachineName.objects.filter(machine=source).update(machine=target)
    source.delete()
    FormerMachineName.objects.create(name=source.name, machine=target)
    _rename_in_tokens(source.name, target.name)
    details = {"from": source.name, "to": target.name}
    Act.objects.create(kind="merge", user=by, machine=target, details=details)
    return target
