"""What a driver is asked for: `runbench` as each machine will type it, and how machines are reached."""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engines.host import PROJECT_ROOT
from runs.errors import RunsError
from runs.suites import suite as suites

_MOST_MACHINES = 1_000


def words_of(group: Any, options: Mapping[str, Any], *, without: Sequence[str] = ()) -> list[str]:
    """The options of an argparse group as they would be typed again."""
    words: list[str] = []
    for action in group._group_actions:
        value = options.get(action.dest)
        if action.dest in without or value in (None, False, []) or value == action.default:
            continue
        words.append(action.option_strings[0])
        if not isinstance(action, argparse._StoreTrueAction):
            words += [_typed(each) for each in (value if isinstance(value, list) else [value])]
    return words


def _typed(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def machines_in(text: str) -> list[str]:
    """'lab1,lab2' -> their names. Raises RunsError for none, a name that stands twice, or one that cannot be a name."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not names or twice or len(names) > _MOST_MACHINES or any(len(name) > 100 for name in names):
        what = f"{', '.join(twice)} stands there twice" if twice else f"it has {len(names)} names"
        raise RunsError(
            f"--machines is {text[:80]!r}: {what}; allowed: 1 to {_MOST_MACHINES:,} different names of at most 100 "
            "characters, as lab1,lab2"
        )
    return names


def hosts_in(words: Sequence[str], machines: Sequence[str]) -> dict[str, str]:
    """['lab1=ann@10.0.0.5:/opt/benchsite'] -> by machine. Raises RunsError for a machine that is none."""
    hosts = dict(word.partition("=")[::2] for word in words)
    unknown = sorted(set(hosts) - set(machines))
    if unknown or not all(hosts.values()):
        named = ", ".join(unknown) or next(name for name, host in hosts.items() if not host)
        raise RunsError(f"--hosts names {named}, allowed: MACHINE=HOST for {', '.join(machines)}")
    return hosts


def environment_in(words: Sequence[str]) -> dict[str, str]:
    """['NAME=value'] -> what each job has. Raises RunsError."""
    for word in words:
        if not word.partition("=")[0].isidentifier():
            raise RunsError(f"--environment has {word!r}, allowed: NAME=value")
    return dict(word.partition("=")[::2] for word in words)


def suite_text(name: str | None) -> str:
    """The text of a suite of one's own, which travels; empty for one that comes with Benchsite, or none."""
    if not name or name in suites.shipped():
        return ""
    try:
        return Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise RunsError(f"The suite {name} cannot be read: {error.strerror}.") from None


def make(options: Mapping[str, Any], *, words: Sequence[str], experiment: str, keys: Path, var: Path) -> dict[str, Any]:
    """The request, as JSON. Raises RunsError for options that contradict each other."""
    machines = machines_in(options["machines"])
    for name in ("profile", "only"):
        if options[name]:
            raise RunsError(f"--{name} is for one machine: type it there, with runbench.")
    if options["scheduler"] and options["deploy"] != "none":
        raise RunsError(f"--deploy {options['deploy']} brings its own scheduler: leave out --scheduler.")
    return {
        "experiment": experiment,
        "session": str(uuid.uuid4()),
        "options": list(words),
        "suite_text": suite_text(options["suite"]),
        "machines": machines,
        "slice_seconds": options["slice"],
        "budget": options["budget"],
        "wait": f"{options['wait']:g}s",
        "upload": options["upload"] or "",
        "plan_only": options["plan"],
        "scheduler": options["scheduler"] or "",
        "host": options["host"],
        "port": options["port"],
        "deploy": options["deploy"],
        "hosts": hosts_in(options["hosts"], machines),
        "folder": options["folder"] or str(PROJECT_ROOT),
        "keys": str(keys),
        "var": str(var),
        "logs": str(var / "fleet" / "logs"),
        "queue": options["queue"] or "",
        "walltime": options["walltime"] or "",
        "memory": options["memory"],
        "directives": list(options["directive"]),
        "environment": environment_in(options["environment"]),
    }
