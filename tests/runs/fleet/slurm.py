"""A real Slurm of the tests' own: one host that is three nodes, in a temporary folder, gone afterwards. Needs root."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from engines.environments import system
from tests.runs.upload.uploading import free_port

_START_SECONDS = 60
_CONFIGURATION = """
ClusterName=benchsite
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={home}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/node-%n
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd-%n.pid
SlurmctldLogFile={home}/slurmctld.log
SlurmdLogFile={home}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
KillWait=5
{nodes}
PartitionName=bench Nodes={names} Default=YES MaxTime=INFINITE State=UP OverSubscribe=EXCLUSIVE
"""


def why_not() -> str:
    """Why there can be none here; empty where it can. As root, what is missing is installed."""
    if os.geteuid() != 0:
        return "only root can start a Slurm of its own"
    system.provide(system.missing(["batch"], system.this_python()), say=_say)
    lacking = system.missing(["batch"], system.this_python())
    return system.advice(lacking)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


@contextlib.contextmanager
def slurm(names: Sequence[str]) -> Iterator[Mapping[str, str]]:
    """The variables by which sbatch finds it."""
    with tempfile.TemporaryDirectory(prefix="benchsite-slurm-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        (home / "state").mkdir()
        configuration = _configure(home, names)
        variables = {"SLURM_CONF": str(configuration)}
        processes = [_start(["munged", "--foreground", "--force", *_munge_files(home)], home, variables)]
        _wait(lambda: (home / "munge.socket").exists(), "munged")
        processes.append(_start(["slurmctld", "-D"], home, variables))
        processes += [_start(["slurmd", "-D", "-N", node], home, variables) for node in names]
        try:
            _wait(lambda: _idle(variables) == len(names), f"slurmctld: {(home / 'slurmctld.log')}")
            yield variables
        finally:
            subprocess.run(["scancel", "--user", "root"], env=os.environ | variables, capture_output=True)
            for process in reversed(processes):
                process.send_signal(signal.SIGKILL)
                process.wait()


def _configure(home: Path, names: Sequence[str]) -> Path:
    host = socket.gethostname().partition(".")[0]
    nodes = "\n".join(
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port()} CPUs=1 State=UNKNOWN"
        for name in names
    )
    path = home / "slurm.conf"
    path.write_text(
        _CONFIGURATION.format(host=host, home=home, nodes=nodes, names=",".join(names), controller_port=free_port())
    )
    (home / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    return path


def _munge_files(home: Path) -> list[str]:
    key = home / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    home.chmod(0o755)
    files = {"socket": "munge.socket", "pid-file": "munged.pid", "log-file": "munged.log", "seed-file": "munged.seed"}
    return [f"--key-file={key}", *(f"--{option}={home / file}" for option, file in files.items())]


def _start(command: Sequence[str], home: Path, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with (home / f"{command[0]}.out").open("ab") as log:
        return subprocess.Popen(command, env=os.environ | variables, stdout=log, stderr=log, start_new_session=True)


def _idle(variables: Mapping[str, str]) -> int:
    answer = subprocess.run(
        ["sinfo", "--noheader", "--Node", "--format", "%T"], env=os.environ | variables, capture_output=True, text=True
    )
    return answer.stdout.split().count("idle")


def _wait(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"does not start: {what}"
        time.sleep(0.2)
