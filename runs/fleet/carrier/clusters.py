"""Where the scheduler is, and how workers come to it: by themselves, over SSH, or by a batch system."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from distributed import Scheduler
from distributed.core import Status
from distributed.security import Security

from runs.fleet.workers import QUIET, ROOT, resources_of

BATCH_SYSTEMS = ("slurm", "pbs", "lsf")


@asynccontextmanager
async def scheduler_for(request: Mapping[str, Any], security: Security) -> AsyncIterator[str]:
    """The address of a scheduler to which the request's machines come, or will come."""
    async with AsyncExitStack() as stack:
        if request["scheduler"]:
            yield request["scheduler"]
        elif request["deploy"] in BATCH_SYSTEMS:
            cluster = await stack.enter_async_context(_batch_cluster(request, security))
            cluster.adapt(minimum_jobs=len(request["machines"]), maximum_jobs=len(request["machines"]))
            watching = asyncio.create_task(_replace_lost_jobs(cluster, request["deploy"]))
            stack.callback(watching.cancel)
            yield cluster.scheduler_address
        else:
            scheduler = await stack.enter_async_context(
                Scheduler(
                    host=request["host"], port=request["port"], protocol="tls", security=security, dashboard=False
                )
            )
            if request["deploy"] == "ssh":
                stack.enter_context(_Shells(request, scheduler.address))
            yield scheduler.address


# ---------------------------------------------------------------- SSH


class _Shells:
    """A worker on each machine, in a shell of the user's own ssh: with its configuration, its keys, its agent.

    When the shells end, by our end or by theirs, so do the workers.
    """

    def __init__(self, request: Mapping[str, Any], address: str) -> None:
        self.commands = [
            ssh_command(machine, request["hosts"].get(machine, machine), request["folder"], address)
            for machine in request["machines"]
        ]
        self.shells: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> None:
        self.shells = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sys.stderr) for command in self.commands]

    def __exit__(self, *_: object) -> None:
        for shell in self.shells:
            shell.terminate()


def ssh_command(machine: str, host: str, folder: str, address: str) -> list[str]:
    """`host` may name a folder of its own: ann@10.0.0.5:/opt/benchsite."""
    host, _, own_folder = host.partition(":")
    worker = [".venv/bin/python", "manage.py", "fleet", "worker", "--scheduler", address, "--machine", machine]
    there = f"cd {shlex.quote(own_folder or folder)} && exec {shlex.join(worker)} --while-connected"
    return ["ssh", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=30", host, there]


# ---------------------------------------------------------------- batch systems


def _batch_cluster(request: Mapping[str, Any], security: Security) -> Any:
    """One job a machine, named after it, with the whole machine to itself. A job that is lost is submitted again."""
    import dask_jobqueue

    kinds = {
        "slurm": dask_jobqueue.SLURMCluster,
        "pbs": dask_jobqueue.PBSCluster,
        "lsf": dask_jobqueue.LSFCluster,
    }
    kind: Any = kinds[request["deploy"]]

    class OnEachMachine(kind):  # type: ignore[misc]
        def new_worker_spec(self) -> dict[str, Any]:
            taken = set(self.worker_spec)
            machine = next(each for each in request["machines"] if each not in taken)
            return {machine: {**self.new_spec, "options": self.new_spec["options"] | job_options(request, machine)}}

    return OnEachMachine(
        cores=1,
        processes=1,
        memory=request["memory"],
        queue=request["queue"] or None,
        walltime=request["walltime"] or None,
        nanny=False,
        protocol="tls://",
        security=security,
        asynchronous=True,
        python=sys.executable,
        death_timeout=600,
        log_directory=str(Path(request["logs"])),
        job_directives_skip=["--mem", "-M "] if request["deploy"] != "pbs" else [],
        scheduler_options={"host": request["host"], "port": request["port"], "dashboard": False},
    )


async def _replace_lost_jobs(cluster: Any, deploy: str) -> None:
    """Forget jobs that ended before their worker ever came: the cluster replaces only those that it has seen."""
    while True:
        await asyncio.sleep(_LOOK_AT_JOBS_SECONDS)
        there = {str(worker.name) for worker in cluster.scheduler.workers.values()}
        submitted = {machine: job.job_id for machine, job in cluster.workers.items() if job.job_id}
        for machine, number in submitted.items():
            if machine not in there and not await asyncio.to_thread(is_queued, deploy, number):
                _forget(cluster, machine)


def _forget(cluster: Any, machine: str) -> None:
    """Both the wish and the job: with either left, the cluster would take the machine for served."""
    job = cluster.workers.pop(machine, None)
    if job is not None:
        job.status = Status.closed
    cluster.worker_spec.pop(machine, None)


def is_queued(deploy: str, job: str) -> bool:
    """Whether a batch system has a job that waits or runs. Where it does not answer, it may have."""
    try:
        answer = subprocess.run(_ASK[deploy](job), capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return True
    words = set(answer.stdout.split())
    return answer.returncode == 0 and bool(words) and not words & _ENDED


_LOOK_AT_JOBS_SECONDS = 20.0
_ENDED = {"DONE", "EXIT", "CANCELLED", "COMPLETED", "FAILED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY"}
_ASK: Mapping[str, Callable[[str], list[str]]] = {
    "slurm": lambda job: ["squeue", "--noheader", "--jobs", job, "--format", "%T"],
    "pbs": lambda job: ["qstat", job],
    "lsf": lambda job: ["bjobs", "-noheader", "-o", "stat", job],
}


def job_options(request: Mapping[str, Any], machine: str) -> dict[str, Any]:
    """What tells one machine's job from another's."""
    var = Path(request["var"]) / "machines" / machine
    return {
        "job_extra_directives": [*_PLACED[request["deploy"]](machine), *request["directives"]],
        "job_script_prologue": [
            f"export {name}={shlex.quote(value.replace('{machine}', machine))}"
            for name, value in (
                ("BENCHSITE_VAR", str(var)),
                ("DASK_CONFIG", str(QUIET)),
                ("PYTHONPATH", str(ROOT)),
                *request["environment"].items(),
            )
        ],
        "worker_extra_args": ["--resources", shlex.quote(resources_of(machine)), "--no-dashboard"],
    }


_PLACED = {
    "slurm": lambda machine: [f"--nodelist={machine}", "--exclusive"],
    "pbs": lambda machine: [f"-l host={machine}", "-l place=excl"],
    "lsf": lambda machine: [f'-m "{machine}"', "-x"],
}
