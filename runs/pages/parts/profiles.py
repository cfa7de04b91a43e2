"""How profiles are shown: the longest operations as bars and a table, for one cell, or for two side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.http import QueryDict
from django.utils.translation import gettext as _

from engines.profile_record import Operation, Profile
from runs.charts.bars import Bar, bars
from runs.charts.style import SeriesStyle, style_for
from runs.findings.kinds_of_work import Part, explained, parts
from runs.models import Run
from runs.pages.parts.pairings import Compared, Pairing
from runs.pages.parts.selects import Option
from runs.selectors.profiles import StoredProfile, key_of, profile_by_pk, profile_of_run, profiled_cells
from runs.tables.table import Column, Table, TableCell
from runs.words import numbers
from runs.words.cells import on_words
from runs.words.engines import engine_title
from runs.words.networks import named

DRAWN = 8
LISTED = 20


@dataclass(frozen=True)
class ShownProfile:
    title: str
    profile: Profile
    style: SeriesStyle
    bars: Sequence[Bar]
    taken_at: datetime
    slowed: str = ""
    """How many times as long a step took as in the timed run beside it; empty where there is none."""
    by_other_code: bool = False

    @property
    def summary(self) -> str:
        """The bars in words."""
        return "; ".join(f"{bar.label}: {bar.words}" for bar in self.bars)

    @property
    def accounted(self) -> str:
        profile = self.profile
        words = _("Operations took {operations} a step, and the whole step took {step}.")
        return words.format(
            operations=_step_time(profile.total_seconds, profile), step=_step_time(profile.wall_seconds, profile)
        )

    @property
    def has_rest(self) -> bool:
        """Operations of several threads at once may take longer in all than the step."""
        return self.profile.total_seconds < self.profile.wall_seconds

    @property
    def table(self) -> Table:
        columns = [
            Column(_("Operation"), wraps=True),
            Column(_("Share"), is_number=True),
            Column(_("Time per step"), is_number=True),
            Column(_("Calls per step"), is_number=True),
        ]
        operations = self.profile.operations
        rows = [_row(operation, self.profile) for operation in operations[:LISTED]]
        caption = _("The longest {shown} of {all} operations")
        return Table(caption.format(shown=numbers.count(len(rows)), all=numbers.count(len(operations))), columns, rows)


def _row(operation: Operation, profile: Profile) -> list[TableCell]:
    return [
        TableCell(operation.name),
        TableCell(numbers.percent(operation.share)),
        TableCell(_step_time(operation.seconds, profile)),
        TableCell(numbers.digits(operation.calls / profile.steps)),
    ]


def _step_time(seconds: float, profile: Profile) -> str:
    return numbers.with_unit(1000 * seconds / profile.steps, "ms")


# ---------------------------------------------------------------- of one run's cell


def profile_beside(run: Run) -> ShownProfile | None:
    """The profile of the run's cell, by shares; None where there is none."""
    stored = profile_of_run(run)
    if stored is None:
        return None
    operations = stored.profile.operations[:DRAWN]
    drawn = [(each.name, each.share, numbers.percent(each.share)) for each in operations]
    code = run.record.get("code") or {}
    return ShownProfile(
        title=engine_title(run.engine),
        profile=stored.profile,
        style=style_for(run.engine, track=run.track),
        bars=bars(drawn),
        taken_at=stored.finished_at,
        slowed=_slowed(run, stored.profile),
        by_other_code=bool(code.get("engine_sha256")) and code["engine_sha256"] != stored.engine_sha256,
    )


def _slowed(run: Run, profile: Profile) -> str:
    steps = (run.record.get("training") or {}).get("steps_per_epoch")
    if not run.seconds or not steps:
        return ""
    return numbers.times(profile.wall_seconds / profile.steps / (run.seconds / steps))


# ---------------------------------------------------------------- of two sides


@dataclass(frozen=True)
class ProfilePair:
    """Two cells of one workload, their bars on one scale: time per step. `options` leads to the other workloads."""

    workload: str
    sides: Sequence[ShownProfile]
    options: Sequence[Option]
    parts: Sequence[Part]
    verdict: str
    """On B, of the runs that no profiler slowed."""

    @property
    def why(self) -> str:
        """What makes the slower side slower; empty where no verdict says that one is."""
        if self.verdict not in ("slower", "faster"):
            return ""
        longer: Literal["a", "b"] = "b" if self.verdict == "slower" else "a"
        part = explained(self.parts, longer)
        if part is None:
            return _("Its profile does not show why {side} is slower.").format(side=longer.upper())
        words = _(
            "What {side} spends most of its additional time on, by the profiles: {kind}, {difference} a step more."
        )
        difference = numbers.milliseconds(abs(part.difference))
        return words.format(side=longer.upper(), kind=_(part.kind), difference=difference)

    @property
    def kinds(self) -> Table:
        """A step of both sides by what its operations are for."""
        columns = [Column(_("What for")), *(Column(title, is_number=True) for title in ("A", "B", _("B minus A")))]
        rows = [
            [TableCell(_(part.kind).capitalize()), *map(_milliseconds, (part.a, part.b, part.difference))]
            for part in self.parts
        ]
        return Table(_("A step by what its operations are for"), columns, rows)


def _milliseconds(seconds: float) -> TableCell:
    return TableCell(numbers.milliseconds(seconds), values=(seconds,))


@dataclass(frozen=True)
class _Candidate:
    pairing: Pairing
    a: int
    b: int

    @property
    def name(self) -> str:
        """What the address calls it."""
        return f"{self.a}-{self.b}"

    @property
    def label(self) -> str:
        row = self.pairing.row
        return f"{named(row.network)} · {on_words(row.device, row.threads, row.track, counts_one=False)}"


def profile_pair(found: Compared, query: QueryDict) -> ProfilePair | None:
    """Of the workload asked for, else of the largest, where both sides have a profile of it; None where none has."""
    candidates = _candidates(found)
    if not candidates:
        return None
    largest = max(candidates, key=lambda each: each.pairing.row.flops)
    chosen = next((each for each in candidates if each.name == query.get("profile")), largest)
    stored = [profile_by_pk(chosen.a), profile_by_pk(chosen.b)]
    longest = max(each.seconds / one.profile.steps for one in stored for each in one.profile.operations)
    options = [_option(each, query, is_current=each is chosen) for each in candidates]
    sides = [_side(letter, each, longest) for letter, each in zip("AB", stored, strict=True)]
    found_parts = parts(stored[0].profile, stored[1].profile)
    return ProfilePair(chosen.label, sides, options if len(options) > 1 else [], found_parts, chosen.pairing.verdict)


def _candidates(found: Compared) -> list[_Candidate]:
    first, second = profiled_cells(found.a.scope.machine), profiled_cells(found.b.scope.machine)
    made = [
        _Candidate(pairing, first.get(key_of(pairing.a), 0), second.get(key_of(pairing.b), 0))
        for pairing in found.common
        if pairing.a and pairing.b
    ]
    return [each for each in made if each.a and each.b and each.a != each.b]


def _option(candidate: _Candidate, query: QueryDict, *, is_current: bool) -> Option:
    changed = query.copy()
    changed["profile"] = candidate.name
    return Option(candidate.label, changed.urlencode(), is_current)


def _side(letter: str, stored: StoredProfile, longest: float) -> ShownProfile:
    profile = stored.profile
    drawn = [
        (each.name, each.seconds / profile.steps, _step_time(each.seconds, profile))
        for each in profile.operations[:DRAWN]
    ]
    track = "" if stored.track == "idiomatic" else f" · {_(stored.track)}"
    return ShownProfile(
        title=f"{letter}: {engine_title(stored.engine)}{track}",
        profile=profile,
        style=style_for(stored.engine, track=stored.track),
        bars=bars(drawn, longest=longest),
        taken_at=stored.finished_at,
    )
