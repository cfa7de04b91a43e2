"""What a person sees of an upload: a bar with the time left on a terminal, plain lines now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from runs.upload.package import Count, Package, reasons

_SECONDS_BETWEEN_LINES = 5.0
_REASONS_SHOWN = 5


class Screen:
    """Counts over all packages of one upload."""

    def __init__(
        self, stream: TextIO, packages: Sequence[Package], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.console = Console(file=stream, highlight=False, soft_wrap=True)
        self.packages = packages
        self.total = sum(len(package.waiting) for package in packages)
        self._clock = clock
        self._begun = self._last = clock()
        self._bar = Progress(
            TextColumn("uploading"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._task = self._bar.add_task("uploading", total=self.total, note="")

    def __enter__(self) -> Screen:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    @property
    def done(self) -> int:
        return self.total - sum(len(package.waiting) for package in self.packages)

    def advance(self, package: Package) -> None:
        self._bar.update(self._task, completed=self.done, note="")
        now = self._clock()
        if self.console.is_terminal or now - self._last < _SECONDS_BETWEEN_LINES or self.done == self.total:
            return
        self._last = now
        self._say(f"[{self.done:,}/{self.total:,}{self._time_left(now)}] {in_words(total(self.packages))}")

    def _time_left(self, now: float) -> str:
        if not self.done:
            return ""
        return f", {(now - self._begun) / self.done * (self.total - self.done):.0f} s left"

    def pause(self, reason: str, seconds: float) -> None:
        note = f"The server is in trouble: {reason}. Trying again in {seconds:.0f} s."
        self._bar.update(self._task, note=f"{reason}; again in {seconds:.0f} s")
        if not self.console.is_terminal:
            self._say(note)

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False)


def total(packages: Sequence[Package]) -> Count:
    return sum((package.count for package in packages), Count())


def in_words(count: Count) -> str:
    return f"{count.stored:,} stored, {count.known:,} known, {count.refused:,} refused, {count.left:,} left"


def remarks(packages: Sequence[Package]) -> list[str]:
    """What the count alone does not say: why runs were refused, and what waits for what."""
    refusals = {run_id: refusal for package in packages for run_id, refusal in package.refusals.items()}
    found = [f"Refused: {reason}" for reason in reasons(refusals)[:_REASONS_SHOWN]]
    if refusals:
        found.append("Refused runs are kept in the spool; --retry-refused offers them again, once the cause is fixed.")
    if unfinished := sum(len(package.unfinished) for package in packages):
        found.append(f"{unfinished} of those left are of a block that runbench is at: they wait for its end.")
    if aside := sum(len(package.set_aside) for package in packages):
        found.append(f"{aside} of those left made the server fail, or are too large for it: tried again next time.")
    for package in packages:
        if package.damaged:
            lines = ", ".join(map(str, package.damaged))
            found.append(f"{package.spool.name}: lines {lines} are no run records, and are left as they are.")
    return found


def clock_remark(seconds_ahead: float | None) -> str:
    """Empty if this machine's clock agrees with the server's well enough."""
    if seconds_ahead is None or abs(seconds_ahead) < _CLOCK_TOLERANCE_SECONDS:
        return ""
    minutes = abs(seconds_ahead) / 60
    length = f"{minutes:,.0f} minutes" if minutes < 300 else f"{minutes / 60:,.0f} hours"
    way = "ahead of" if seconds_ahead > 0 else "behind"
    return (
        f"This machine's clock is {length} {way} the server's. Its runs are stored with the times that it told; the "
        "server keeps its own time of receipt, and marks runs from the future. Set the clock."
    )


_CLOCK_TOLERANCE_SECONDS = 300.0
