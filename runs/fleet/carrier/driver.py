"""The driver: asks each machine what is left, hands it slices of that, and asks again until nothing is.

`python -m runs.fleet.carrier.driver` reads a request, one line of JSON, from standard input, and ends when that is
closed; it writes what happens as lines of JSON. It keeps nothing: whatever dies, the next driver asks the machines.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from distributed import Client
from distributed.client import FutureCancelledError
from distributed.comm import CommClosedError

from runs.fleet.carrier import clusters, security, tasks
from runs.fleet.slices import fitting, slices_of
from runs.fleet.workers import resource

_LOOK_AROUND_SECONDS = 5.0
_ANSWER_SECONDS = 30.0
_STAYED_BUSY = 75
_BEGAN = time.monotonic()
_ROUNDS = count()
"""Of all machines and sittings together: no two tasks of a driver have one name."""
_MOST_STALLED = 3
"""A machine that is asked so often without anything coming of it is left alone."""
_RETRY_SECONDS = 5.0
_POLL_SECONDS = 0.2


class LostError(Exception):
    """The scheduler is gone, and with it all that it was carrying."""


def say(event: str, **values: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **values}) + "\n")
    sys.stdout.flush()


@dataclass
class Machine:
    """One machine of the request, as long as this client lives."""

    client: Client
    request: Mapping[str, Any]
    name: str
    round: int = 0
    stalled: int = 0
    before: list[str] = field(default_factory=list)
    said: str = ""
    """The last line of what it did: the reason, where nothing comes of asking."""

    async def carry_out(self) -> None:
        """Until nothing is left there, or nothing comes of asking."""
        for self.round in _ROUNDS:
            say("machine", machine=self.name, state="asked")
            found = await self._ask("look", tasks.look)
            left, problem = found["left"], found["problem"]
            if problem:
                say("machine", machine=self.name, state="stuck", said=problem)
                return
            self._tell_left(left)
            if self.request["plan_only"]:
                say("machine", machine=self.name, state="done")
                return
            left = fitting(left, self._time_left)
            if not left:
                await self._upload()
                return
            if not self._gets_on([block["id"] for block in left]):
                say("machine", machine=self.name, state="stuck", said=self.said)
                return
            await self._measure(left)

    @property
    def _time_left(self) -> float | None:
        """Of the budget, which every machine has for itself; None where there is none."""
        budget: float | None = self.request["budget"]
        return None if budget is None else budget - (time.monotonic() - _BEGAN)

    def _gets_on(self, ids: list[str]) -> bool:
        self.stalled = self.stalled + 1 if ids == self.before else 0
        self.before = ids
        return self.stalled < _MOST_STALLED

    def _tell_left(self, left: Sequence[Mapping[str, Any]]) -> None:
        say(
            "left",
            machine=self.name,
            blocks=len(left),
            runs=sum(block["runs"] for block in left),
            seconds=round(sum(block["seconds"] for block in left)),
        )

    async def _measure(self, left: Sequence[Mapping[str, Any]]) -> None:
        """All slices at once, the plan's order as their priority; each answer is let go when it is here."""
        parts = slices_of(left, self.request["slice_seconds"])
        await asyncio.gather(*(self._measure_slice(place, part) for place, part in enumerate(parts)))

    async def _measure_slice(self, place: int, part: Sequence[Mapping[str, Any]]) -> None:
        ids = [block["id"] for block in part]
        answer = await self._ask(f"slice/{place}", tasks.measure, ids, priority=-1 - place)
        self.said = answer["said"]
        done = {"blocks": len(part), "runs": sum(block["runs"] for block in part)}
        say("slice", machine=self.name, code=answer["code"], said=answer["said"], **done)
        if answer["code"] == _STAYED_BUSY:
            say("machine", machine=self.name, state="busy", said=answer["said"])

    async def _upload(self) -> None:
        if self.request["upload"]:
            say("machine", machine=self.name, state="uploading")
            answer = await self._ask("upload", tasks.upload)
            if answer["code"]:
                say("machine", machine=self.name, state="stuck", said=answer["said"])
                return
        say("machine", machine=self.name, state="done")

    async def _ask(self, what: str, task: Any, *arguments: Any, priority: int = 0) -> Any:
        """A task's answer, however long it takes until the machine is there.

        By a resource of the machine's, and not by its address: an address that is gone is waited for in vain
        (dask/distributed#8600). Its key is a tuple, since keys that begin alike are one group: the scheduler looks
        through all groups at each submission, which with a group for each task grows with their square.
        """
        future = self.client.submit(
            task,
            dict(self.request),
            self.name,
            *arguments,
            key=(self.request["experiment"], self.name, what, self.round, self.request["session"]),
            pure=False,
            resources={"bench": 1, resource(self.name): 1},
            retries=5,
            priority=priority,
        )
        try:
            return await future
        except (FutureCancelledError, CommClosedError) as error:
            raise LostError(str(error)) from error
        except Exception as error:  # the task's own: it is told, and the next round asks again
            return {"left": [], "problem": f"{type(error).__name__}: {error}", "code": 1, "said": str(error)[:500]}
        finally:
            future.release()


async def _look_around(client: Client, wanted: Sequence[str]) -> None:
    """Tell which machines are there. Raises LostError where the scheduler no longer answers."""
    while True:
        try:
            found = await asyncio.wait_for(client.scheduler.identity(n_workers=-1), _ANSWER_SECONDS)
        except (OSError, CommClosedError, TimeoutError) as error:
            raise LostError(str(error)) from error
        there = {str(worker["name"]) for worker in found["workers"].values()}
        say("there", machines=[name for name in wanted if name in there])
        await asyncio.sleep(_LOOK_AROUND_SECONDS)


def _hear(event: tuple[float, Any]) -> None:
    _, told = event
    say("said", machine=told["machine"], said=told["said"])


async def _sitting(request: Mapping[str, Any], address: str, keys: Any) -> None:
    async with Client(address, security=keys, asynchronous=True, name="benchsite-fleet") as client:
        client.subscribe_topic("benchsite", _hear)
        machines = [Machine(client, request, name) for name in request["machines"]]
        watching = asyncio.create_task(_look_around(client, request["machines"]))
        working = asyncio.gather(*(machine.carry_out() for machine in machines))
        try:
            while not (working.done() or watching.done()):
                await asyncio.sleep(_POLL_SECONDS)
            if not working.done():
                watching.result()  # raises what ended it
            await working
        finally:
            for each in (watching, working):
                each.cancel()
            await asyncio.gather(watching, working, return_exceptions=True)


async def carry_out(request: Mapping[str, Any]) -> None:
    """The whole request: with a new client wherever the scheduler is lost."""
    keys = security.of(Path(request["keys"]))
    async with clusters.scheduler_for(request, keys) as address:
        say("ready", address=address)
        while True:
            try:
                await _sitting(request, address, keys)
                break
            except (LostError, OSError, CommClosedError) as error:
                if not request["scheduler"]:
                    raise
                say("lost", said=str(error)[:500])
                await asyncio.sleep(_RETRY_SECONDS)
    say("over")


def _end_with_the_host() -> None:
    """Whoever started this is gone when standard input ends; so is the need for this."""
    sys.stdin.buffer.read()
    os._exit(1)


def main() -> None:
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_the_host, daemon=True).start()
    asyncio.run(carry_out(request))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
