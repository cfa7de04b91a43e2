"""What a fleet costs: an idle agent's processor time, and the engine's own time for each task of many machines.

`make fleet-cost` prints a table. It runs in the fleet's environment, with nothing of the site.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource as usage
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Scheduler, Worker

from runs.fleet.carrier import security
from runs.fleet.workers import environment, resource, worker_command

_IDLE_SECONDS = 60.0
_SETTLE_SECONDS = 10.0
_MACHINES = (10, 200, 1_000)
_TASKS_EACH = 5
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="benchsite-fleet-") as name:
        keys = Path(name)
        security.make(keys / "keys")
        print("| an idle agent | CPU ms a second | switches a second |\n| --- | ---: | ---: |")  # noqa: T201
        for title, quiet in (("as we start it", True), ("with Dask's own settings", False)):
            milliseconds, switches = idle(keys / "keys", quiet=quiet)
            print(f"| {title} | {milliseconds:.1f} | {switches:.0f} |", flush=True)  # noqa: T201
        logging.getLogger("distributed").setLevel(logging.ERROR)
        dask.config.set({"distributed.comm.require-encryption": False})  # within one process
        print("\n| machines | ms a task | MiB, all in one process |\n| ---: | ---: | ---: |")  # noqa: T201
        for machines in _MACHINES:
            seconds = asyncio.run(overhead(machines))
            memory = usage.getrusage(usage.RUSAGE_SELF).ru_maxrss / 1024
            print(f"| {machines:,} | {1e3 * seconds:.1f} | {memory:.0f} |", flush=True)  # noqa: T201


def idle(keys: Path, *, quiet: bool) -> tuple[float, float]:
    """Of a worker that waits: CPU milliseconds and context switches a second."""
    address = f"tls://127.0.0.1:{_free_port()}"
    tls = ["--tls-ca-file", f"{keys}/fleet-certificate.pem", "--tls-cert", f"{keys}/fleet-certificate.pem"]
    tls += ["--tls-key", f"{keys}/fleet-key.pem"]
    where = ["--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--protocol", "tls", "--no-dashboard"]
    variables = environment(os.environ)
    if not quiet:
        del variables["DASK_CONFIG"]
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", *where, *tls]
    quietly = {"env": variables, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = subprocess.Popen(command, **quietly)  # type: ignore[call-overload]
    worker = subprocess.Popen(worker_command(Path(sys.executable), address, "lab1", keys), **quietly)  # type: ignore[call-overload]
    try:
        time.sleep(_SETTLE_SECONDS)
        before = _spent(worker.pid)
        time.sleep(_IDLE_SECONDS)
        after = _spent(worker.pid)
    finally:
        worker.kill()
        scheduler.kill()
    return (after[0] - before[0]) / _IDLE_SECONDS, (after[1] - before[1]) / _IDLE_SECONDS


def _spent(pid: int) -> tuple[float, int]:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = "\n".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status"))
    switches = sum(int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line)
    return 1e3 * (int(fields[11]) + int(fields[12])) / _TICKS, switches


async def overhead(machines: int) -> float:
    """Seconds of the engine's for a task that does nothing, with so many machines.

    They share a process here, and with it what each has to itself in a fleet: a thread that looks once a second for
    something to do, and a count of its process' open files. A thousand of either in one process take longer than what
    is measured, so the thread is shared and the count is put off.
    """
    dask.config.set({"distributed.admin.system-monitor.interval": "1 day"})
    with ThreadPoolExecutor(1) as thread:
        return await _overhead(machines, thread)


async def _overhead(machines: int, thread: Executor) -> float:
    async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
        workers = [
            Worker(
                scheduler.address,
                name=f"m{place}",
                nthreads=1,
                resources={"bench": 1, resource(f"m{place}"): 1},
                executor={"default": thread, "actor": thread},
            )
            for place in range(machines)
        ]
        await asyncio.gather(*workers)
        async with Client(scheduler.address, asynchronous=True) as client:
            await asyncio.gather(*(_tasks(client, f"m{place}", "first", 1) for place in range(machines)))
            begun = time.perf_counter()
            await asyncio.gather(*(_tasks(client, f"m{place}", "task", _TASKS_EACH) for place in range(machines)))
            seconds = time.perf_counter() - begun
        await asyncio.gather(*(worker.close() for worker in workers))
    return seconds / (machines * _TASKS_EACH)


async def _tasks(client: Client, machine: str, name: str, number: int) -> None:
    """As the driver hands them out: all of a machine's at once, each let go when its answer is here."""
    needed = {"bench": 1, resource(machine): 1}
    futures = [
        client.submit(
            abs, -place, key=("cost", machine, name, place), pure=False, resources=needed, retries=5, priority=-place
        )
        for place in range(number)
    ]
    await asyncio.gather(*map(_answer, futures))


async def _answer(future: Any) -> None:
    await future
    future.release()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
