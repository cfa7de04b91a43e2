"""Lists of runs: filtered, ordered, page by page; and the newest runs of an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from django.db.models import Case, Exists, OuterRef, QuerySet, Subquery, Sum, When
from django.utils.translation import gettext_noop as _

from engines.contract import Device, NetworkType, Task, Track
from engines.networks import ARCHITECTURES
from engines.registry import ENGINES
from engines.run_record import Status
from runs.models import DEVICES, STATUSES, TASKS, Coverage, Environment, Experiment, Machine, Run
from runs.selectors.scopes import OFFERED
from runs.validation import Key, Number, Word
from runs.words.cells import task_words

Choices = Callable[[], Sequence[tuple[str, str]]]
"""Values and labels."""


@dataclass(frozen=True)
class RunFilter:
    """A way to narrow runs and summaries, on the page of runs and in the API alike."""

    column: str
    type: Any
    """What the API takes, as pydantic reads it."""
    title: str = ""
    choices: Choices | None = None
    """What the page offers; without, the address alone knows it."""
    about: str = ""
    """For the API's schema."""
    is_of_runs: bool = False
    """Summaries have no such column."""

    @property
    def is_number(self) -> bool:
        return self.type in (Key, Number)


def _experiments() -> list[tuple[str, str]]:
    return list(Experiment.objects.values_list("slug", "name")[:OFFERED])


def _machines() -> list[tuple[str, str]]:
    return [(str(pk), name) for pk, name in Machine.objects.values_list("pk", "name")[:OFFERED]]


def _engines() -> list[tuple[str, str]]:
    return [(slug, info.title) for slug, info in ENGINES.items()]


def _networks() -> list[tuple[str, str]]:
    return [(each.type, each.title) for each in ARCHITECTURES.values()]


def _tasks() -> list[tuple[str, str]]:
    return [(value, task_words(value)) for value, _ in TASKS]


def _devices() -> list[tuple[str, str]]:
    return [(value, value.upper()) for value, _ in DEVICES]


RUN_FILTERS: Mapping[str, RunFilter] = {
    "experiment": RunFilter("experiment", Word, _("Experiment"), _experiments),
    "machine": RunFilter("machine_id", Key, _("Machine"), _machines),
    "environment": RunFilter("environment_id", Key),
    "workload": RunFilter(
        "workload_id", Key, about="A network, its data by content, and its training: the `id` of a workload."
    ),
    "engine": RunFilter("engine", Word, _("Engine"), _engines),
    "code": RunFilter("engine_sha256", Word, about="The hash of the engine's own files, whole."),
    "network": RunFilter("workload__network_type", NetworkType, _("Network"), _networks),
    "layers": RunFilter("workload__hidden_layers", Number),
    "width": RunFilter("workload__width", Number),
    "task": RunFilter("workload__task", Task, _("Task"), _tasks),
    "device": RunFilter("device", Device, _("Device"), _devices),
    "threads": RunFilter("threads", Number),
    "track": RunFilter("track", Track),
    "status": RunFilter("status", Status, _("Status"), lambda: STATUSES, is_of_runs=True),
}
PAGE = 50


@dataclass(frozen=True)
class RunPage:
    runs: Sequence[Run]
    older: str = ""
    """The `before` of the next page; empty on the last."""
    next_page: int = 0
    """The number of the next page where another order than the newest first was asked for; 0 on the last."""


def runs_matching(wished: Mapping[str, str]) -> QuerySet[Run]:
    """Runs by the filters of RUN_FILTERS. A number that is none matches nothing."""
    given = {name: value for name, value in wished.items() if name in RUN_FILTERS and value}
    if any(
        "\0" in value or (RUN_FILTERS[name].is_number and not _is_small_number(value)) for name, value in given.items()
    ):
        return Run.objects.none()
    return Run.objects.filter(**conditions(given))


def conditions(wished: Mapping[str, Any]) -> dict[str, Any]:
    """Filters of RUN_FILTERS as conditions, worded so that a database walks an index."""
    found = {RUN_FILTERS[name].column: value for name, value in wished.items()}
    if "experiment" in found:  # looked up first: joined, all its runs would be read
        found["experiment"] = Experiment.objects.filter(slug=found["experiment"]).values("pk")[:1]
    if found.get("status", "finished") != "finished":  # those that finished, and they alone, have a time
        found["seconds"] = None
    return found


_COUNTED = {"experiment": "experiment__slug", "machine": "machine", "environment": "environment"} | {
    name: name for name in ("engine", "track")
}
"""Filters by which coverage counts runs -> its columns."""


def total(wished: Mapping[str, str]) -> int | None:
    """How many runs there are, as coverage counts them; None by filters that it does not know, or by no number."""
    given = {name: value for name, value in wished.items() if name in RUN_FILTERS and value}
    numbers = [value for name, value in given.items() if RUN_FILTERS[name].is_number]
    if (
        set(given) - set(_COUNTED)
        or not all(map(_is_small_number, numbers))
        or any("\0" in value for value in given.values())
    ):
        return None
    own = Coverage.objects.filter(**{_COUNTED[name]: value for name, value in given.items()})
    return own.aggregate(runs=Sum("runs"))["runs"] or 0


@dataclass(frozen=True)
class Order:
    """By a column of the database, beside the newest first; without the runs where it is empty."""

    column: str
    is_descending: bool = False

    @property
    def columns(self) -> tuple[str, str]:
        sign = "-" if self.is_descending else ""
        return f"{sign}{self.column}", f"{sign}pk"


_EVERYTHING = ("experiment", "machine", "environment", "workload")

_RECORD_PARTS = ("environment_part", "machine_part")
MOST_PAGES = 200
MOST_PLACES = 10
"""So many experiments and machines at most are searched for an engine's newest run that trained."""


def run_page(wished: Mapping[str, str], before: str = "", order: Order | None = None, page: str = "") -> RunPage:
    """Newest first, from just after the run numbered `before`: as fast on the last page as on the first."""
    # Many runs share few of each: each is read once, not once for each of its runs.
    runs = runs_matching(wished).prefetch_related(*_EVERYTHING).defer("body")
    if order:
        return _ordered_page(runs, order, page)
    mark = Run.objects.filter(pk=int(before)).only("finished_at").first() if _is_small_number(before) else None
    if mark:
        runs = runs.filter(finished_at__lte=mark.finished_at).exclude(finished_at=mark.finished_at, pk__gte=mark.pk)
    found = list(runs[: PAGE + 1])
    shown = found[:PAGE]
    return RunPage(shown, str(shown[-1].pk) if len(found) > PAGE else "")


def _ordered_page(runs: QuerySet[Run], order: Order, asked: str) -> RunPage:
    number = min(max(int(asked), 1), MOST_PAGES) if _is_small_number(asked) else 1
    known = runs.filter(**{f"{order.column}__isnull": False})
    found = list(known.order_by(*order.columns)[PAGE * (number - 1) : PAGE * number + 1])
    return RunPage(found[:PAGE], next_page=number + 1 if len(found) > PAGE else 0)


def _is_small_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


@dataclass(frozen=True)
class Gated:
    """An environment of an engine, with the newest run of one of its tracks in it."""

    environment: Environment
    run: Run


def newest_run_in_each(slug: str, environments: Sequence[Environment]) -> list[Gated]:
    """Of each track: the gate judges them apart."""
    tracks = {track: _newest_of_track(slug, track) for track in get_args(Track)}
    wanted = Environment.objects.filter(pk__in=[each.pk for each in environments]).annotate(**tracks)
    keys = {pk: [key for key in found if key] for pk, *found in wanted.values_list("pk", *tracks)}
    whole = Run.objects.select_related(*_RECORD_PARTS)
    runs = whole.in_bulk([key for found in keys.values() for key in found])
    return [Gated(each, runs[key]) for each in environments for key in keys.get(each.pk, []) if key in runs]


def _newest_of_track(slug: str, track: Track) -> Case:
    """Looked for only where coverage says that there is one: else all runs of the environment would be read."""
    own = {"environment": OuterRef("pk"), "engine": slug, "track": track}
    newest = Run.objects.filter(**own).order_by("-finished_at", "-pk").values("pk")[:1]
    return Case(When(Exists(Coverage.objects.filter(**own)), then=Subquery(newest)))


def newest_run_of_each_track(slug: str) -> dict[str, Run]:
    """By track."""
    found = {track: _newest_run(slug, track) for track in get_args(Track)}
    return {track: run for track, run in found.items() if run}


def _newest_run(slug: str, track: Track) -> Run | None:
    """The newest that trained; of an engine that never did, the newest."""
    places = list(Coverage.objects.filter(engine=slug, track=track).order_by("-newest_run_at", "-pk")[:MOST_PLACES])
    trained = (_newest_at(place, workload__task="train") for place in places)
    return next(filter(None, trained), None) or next(map(_newest_at, places), None)


def _newest_at(place: Coverage, **conditions: str) -> Run | None:
    """At the experiment and the machine that coverage names: else all the engine's runs might be read."""
    own = {"experiment": place.experiment_id, "machine": place.machine_id, "engine": place.engine, "track": place.track}
    runs = Run.objects.filter(**own, **conditions).select_related("experiment", "machine", *_RECORD_PARTS)
    return runs.order_by("-finished_at", "-pk").first()


def runs_beside(run: Run) -> list[Run]:
    """The finished runs of a run's cell, itself among them, by block; excluded ones too."""
    same = {name: getattr(run, f"{name}_id") for name in ("experiment", "machine", "environment", "workload")}
    same |= {name: getattr(run, name) for name in ("engine", "track", "device", "threads", "engine_sha256")}
    runs = Run.objects.filter(status="finished", **same)
    return list(runs.defer("body").order_by("block", "pk")[:500])


def environments_of_engine(slug: str) -> list[Environment]:
    """The newest environments in which an engine has results."""
    own = Coverage.objects.filter(environment=OuterRef("pk"), engine=slug)
    return list(Environment.objects.filter(Exists(own)).order_by("-pk")[:OFFERED])


def latest_runs(**conditions: Any) -> list[Run]:
    """The ten newest runs of a machine, an experiment, an environment or an engine."""
    return list(Run.objects.filter(**conditions).select_related(*_EVERYTHING).defer("body")[:10])
