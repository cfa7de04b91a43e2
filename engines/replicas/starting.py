"""The first rank's process starts those of the others, as itself was started, and ends with them."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from engines import registry
from engines.contract import Setup
from engines.protocol import Channel, Event, Job, job_to_json, parse_line
from engines.replicas.ranks import Ranks, join

_OTHERS_SPEAK_FIRST_SECONDS = 3.0
"""Where a rank ends, the framework of the first one fails, too; the reason is what the other one said."""


def in_processes(setup: Setup) -> bool:
    """Whether each replica has a process of its own."""
    return setup.replicas > 1 and registry.find(setup.engine).replication.kind == "ranks"


def own_cpus(job: Job) -> tuple[int, ...]:
    """Of the job's CPUs those of this rank; all of them where one process has all replicas."""
    if not in_processes(job.setup):
        return job.cpus
    threads, rank = job.setup.threads, job.setup.rank
    return job.cpus[rank * threads : (rank + 1) * threads]


@contextmanager
def beside_others(job: Job, channel: Channel) -> Iterator[None]:
    """Be one of the job's ranks: the first has the others' processes beside it, and waits for them at the end.

    A rank that fails ends all of them; what it said goes to the channel.
    """
    if not in_processes(job.setup):
        yield
    elif job.setup.rank:
        with Connection(job.ranks_descriptor) as connection:
            join(Ranks(job.setup.rank, [connection], job.addresses))
            yield
    else:
        with ExitStack() as stack:
            addresses = _free_addresses(job.setup.replicas)
            job = dataclasses.replace(job, addresses=addresses)
            others = [stack.enter_context(_started(job, rank, channel)) for rank in range(1, job.setup.replicas)]
            join(Ranks(0, [each.connection for each in others], addresses))
            try:
                yield
            except Exception:
                for each in others:
                    each.watcher.join(_OTHERS_SPEAK_FIRST_SECONDS / len(others))
                raise
            for each in others:
                each.watcher.join()


@dataclasses.dataclass(frozen=True)
class _Other:
    connection: Connection[Any, Any]
    watcher: threading.Thread


@contextmanager
def _started(job: Job, rank: int, channel: Channel) -> Iterator[_Other]:
    own, others = Pipe()
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [*sys.orig_argv[:-1], str(writing)],  # our own command with another channel
        stdin=subprocess.PIPE,
        pass_fds=[writing, others.fileno()],
    )
    os.close(writing)
    setup = dataclasses.replace(job.setup, rank=rank, device_index=_device_index(job.setup, rank))
    handed_over = dataclasses.replace(job, setup=setup, ranks_descriptor=others.fileno())
    assert process.stdin is not None
    process.stdin.write(job_to_json(handed_over).encode() + b"\n")
    process.stdin.flush()  # it stays open: its end tells the other that we are gone
    others.close()
    watcher = threading.Thread(target=_watch, args=(process, rank, reading, channel), daemon=True)
    watcher.start()
    with own:
        yield _Other(own, watcher)


def _device_index(setup: Setup, rank: int) -> int:
    return setup.device_index + rank if setup.device == "gpu" else 0


def _watch(process: subprocess.Popen[bytes], rank: int, reading: int, channel: Channel) -> None:
    """Wait for its last word. If that is no result, pass the reason on, and end the whole process group."""
    last: Event | None = None
    with open(reading, "rb") as lines:
        for event in filter(None, map(parse_line, lines)):
            if event["event"] in ("result", "failed"):
                last = event
    code = process.wait()
    if last and last["event"] == "result":
        return
    status, reason = (last["status"], last["reason"]) if last else ("crashed", f"It ended with exit code {code}.")
    channel.send({"event": "failed", "status": status, "reason": f"Replica {rank + 1}: {reason}"})
    os.killpg(0, signal.SIGKILL)


def _free_addresses(count: int) -> tuple[str, ...]:
    """Of this host: each port is free now, and no other process is likely to be given it so soon."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return tuple(f"127.0.0.1:{each.getsockname()[1]}" for each in sockets)
