"""What a machine is asked to do: each a `manage.py` of its own, which plans from the machine's spool.

So the same task may be carried twice, or its answer be lost: what is done is not done again.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from runs.fleet.workers import ROOT, plain

_LOOK_SECONDS = 300.0
_POLL_SECONDS = 10.0
_TAIL_CHARACTERS = 2_000

Report = Callable[[str], object]


def look(request: Mapping[str, Any], machine: str) -> dict[str, Any]:
    """What of the plan this machine's spool lacks: `left`, block by block, or why it cannot say: `problem`."""
    in_order = ["--budget", f"{request['budget']:g}s"] if request["budget"] else []
    words = ["runbench", *_options(request, machine), *in_order, "--plan", "--json"]
    answer = subprocess.run(_command(words), cwd=ROOT, capture_output=True, text=True, timeout=_LOOK_SECONDS)
    if answer.returncode:
        return {"left": [], "problem": _last_words(answer.stderr)}
    return {"left": json.loads(answer.stdout)["left"], "problem": ""}


def measure(request: Mapping[str, Any], machine: str, blocks: Sequence[str]) -> dict[str, Any]:
    """Carry out a slice. `code` is runbench's: 75 where the machine stayed busy with something else."""
    session = str(uuid5(NAMESPACE_URL, f"{request['session']}/{machine}"))
    words = ["runbench", *_options(request, machine), *_upload(request)]
    words += ["--session", session, "--wait", request["wait"], "--only", *blocks]
    return _carry_out(words, machine)


def upload(request: Mapping[str, Any], machine: str) -> dict[str, Any]:
    """Send what the server does not have yet."""
    return _carry_out(["uploadruns", request["upload"]], machine)


def _carry_out(words: Sequence[str], machine: str) -> dict[str, Any]:
    """Its output goes to a file: if this process dies, what it began goes on, and must not meet a closed pipe.

    What it began holds the machine's lock until it has finished, so that nothing is measured beside it.
    """
    log = _folder("logs") / f"{plain(machine)}.log"
    begins = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        process = subprocess.Popen(
            _command(words), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    report, told = _reporter(machine), ""
    while True:
        try:
            code = process.wait(timeout=_POLL_SECONDS)
            break
        except subprocess.TimeoutExpired:
            said = _last_words(_tail(log, begins))
            if said != told:
                report(said)
                told = said
    return {"code": code, "said": _last_words(_tail(log, begins))}


def _reporter(machine: str) -> Report:
    """Tells the scheduler, and whoever listens there, what the machine is at; nobody outside of a worker."""
    from distributed import get_worker

    try:
        worker = get_worker()
    except ValueError:
        return lambda said: None
    return lambda said: worker.log_event("benchsite", {"machine": machine, "said": said})


def _options(request: Mapping[str, Any], machine: str) -> list[str]:
    suite = request.get("suite_text")
    named = ["--suite", str(_suite_file(suite))] if suite else []
    return [*request["options"], *named, "--experiment", request["experiment"], "--machine", machine]


def _suite_file(text: str) -> Path:
    """A suite of one's own travels as its text: machines need not share a disk."""
    path = _folder("suites") / f"{sha256(text.encode()).hexdigest()[:16]}.toml"
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    return path


def _upload(request: Mapping[str, Any]) -> list[str]:
    return ["--upload", request["upload"]] if request["upload"] else []


def _command(words: Sequence[str]) -> list[str]:
    """With the interpreter that the site's packages are installed for, not with this one."""
    return [os.environ.get("BENCHSITE_PYTHON") or str(ROOT / ".venv" / "bin" / "python"), "manage.py", *words]


def _folder(name: str) -> Path:
    folder = Path(os.environ.get("BENCHSITE_VAR") or ROOT / "var") / "fleet" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _tail(log: Path, begins: int) -> str:
    with log.open("rb") as file:
        file.seek(max(begins, log.stat().st_size - _TAIL_CHARACTERS))
        return file.read().decode("utf-8", errors="replace")


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:500] if lines else ""
