"""What one spool has for one server, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runs.upload.access import Server
from runs.upload.answers import Result
from runs.upload.notes import Notes, Refusal, Standing, notes_beside
from runs.upload.patience import MAX_BYTES
from runs.upload.pending import Line, Offer, offered


@dataclass
class Count:
    """`refused` includes what was refused earlier and was not tried again; `left` is the next call's matter."""

    stored: int = 0
    known: int = 0
    refused: int = 0
    left: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.stored + other.stored, self.known + other.known, self.refused + other.refused, self.left + other.left
        )


@dataclass
class Package:
    """`waiting` is still to be sent; `set_aside` it could not take; `refusals` are all that stand, by run id."""

    spool: Path
    server: Server
    waiting: list[Line]
    unfinished: tuple[Line, ...] = ()
    damaged: tuple[int, ...] = ()
    refusals: dict[str, Refusal] = field(default_factory=dict)
    set_aside: list[Line] = field(default_factory=list)
    confirmed_before: int = 0
    stored: int = 0
    known: int = 0

    @property
    def count(self) -> Count:
        left = len(self.waiting) + len(self.set_aside) + len(self.unfinished)
        return Count(self.stored, self.known, len(self.refusals), left)

    @property
    def notes(self) -> Notes:
        return notes_beside(self.spool)

    def next_batch(self, most: int) -> list[Line]:
        """The first of those that wait: at most so many, and no more bytes than a server takes, but one at least."""
        size, batch = 0, self.waiting[:most]
        for place, line in enumerate(batch):
            size += line.length + 1
            if size > MAX_BYTES and place:
                return batch[:place]
        return batch

    def settle(self, batch: Sequence[Line], results: Sequence[Result]) -> None:
        """Note what the server said of the first of those that wait. Raises SpoolError."""
        pairs = list(zip(batch, results, strict=True))
        confirmed = {line.run_id: line.digest for line, result in pairs if result.result != "refused"}
        refused = {line.run_id: _refusal(line, result) for line, result in pairs if result.result == "refused"}
        self.notes.add(self.server, confirmed, refused)
        outcomes = Counter(result.result for result in results)
        self.stored += outcomes["stored"]
        self.known += outcomes["known"]
        self.refusals |= refused
        del self.waiting[: len(batch)]

    def put_aside(self) -> None:
        """Go on without the first of those that wait; the next call tries it again."""
        self.set_aside.append(self.waiting.pop(0))


def _refusal(line: Line, result: Result) -> Refusal:
    code = result.reasons[0].code if result.reasons else ""
    return Refusal(line.digest, code, "; ".join(each.message for each in result.reasons) or "No reason was given.")


# ---------------------------------------------------------------- packing


def pack(spool: Path, server: Server, *, experiment: str = "", retry_refused: bool = False) -> Package:
    """All of the spool that the server has neither confirmed nor refused. Raises SpoolError."""
    standing = notes_beside(spool).of(server)
    offer = _of_experiment(offered(spool, standing.confirmed), experiment)
    refusals = {} if retry_refused else dict(_refused(standing, offer.lines))
    confirmed = [line for line in offer.lines if standing.confirmed.get(line.run_id) == line.digest]
    settled = {line.run_id for line in confirmed} | set(refusals)
    return Package(
        spool=spool,
        server=server,
        waiting=[line for line in offer.lines if line.run_id not in settled],
        unfinished=offer.unfinished,
        damaged=offer.damaged,
        refusals=refusals,
        confirmed_before=len(confirmed),
    )


def _of_experiment(offer: Offer, experiment: str) -> Offer:
    if not experiment:
        return offer
    lines, unfinished = (
        tuple(line for line in part if line.experiment == experiment) for part in (offer.lines, offer.unfinished)
    )
    return Offer(lines, unfinished, offer.damaged)


def _refused(standing: Standing, lines: Sequence[Line]) -> Iterator[tuple[str, Refusal]]:
    """Those of the lines whose very content was refused."""
    for line in lines:
        refusal = standing.refused.get(line.run_id)
        if refusal and refusal.digest == line.digest:
            yield line.run_id, refusal


def reasons(refusals: Mapping[str, Refusal]) -> list[str]:
    """'3 × The machine …', the most frequent first."""
    counted = Counter(refusal.reason for refusal in refusals.values())
    return [f"{number} × {reason}" for reason, number in counted.most_common()]
