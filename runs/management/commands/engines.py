from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from engines import gpus, registry
from engines.contract import Device
from engines.environments import environments, installation, releases
from engines.environments.environments import EnvironmentInfo
from engines.environments.readiness import Readiness, readiness, why_not
from engines.errors import EngineError, UnavailableError
from engines.registry import EngineInfo
from runs.bench import gate
from runs.errors import RunsError
from runs.suites import suite as suites

_COLUMNS = ("ENGINE", "ABBR.", "SLUG", "VERSION", "ENVIRONMENT", "DEVICES")


class Command(BaseCommand):
    help = "List the engines and what each can do here; install, choose or remove the environments they run in."
    requires_system_checks = ()  # set-up calls this before there is a database or a page

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="list as JSON")
        parser.set_defaults(action=self.list_engines)
        actions = parser.add_subparsers(title="actions (none lists the engines)", metavar="ACTION")
        self._add_install(actions)
        self._add_use(actions)
        self._add_remove(actions)
        self._add_verify(actions)

    def _add_install(self, actions: Any) -> None:
        install = actions.add_parser("install", help="make engine environments from their lock files")
        install.add_argument("names", nargs="*", metavar="NAME", help="an engine or an environment")
        install.add_argument("--suite", metavar="NAME", help="what this suite's engines need, a shipped one or a file")
        install.add_argument(
            "--version",
            action="append",
            default=[],
            dest="releases",
            metavar="RELEASE",
            help="another release of one engine, kept apart: 0.9, 0.9.2, keras==3.14.0, the path of a wheel or a "
            "source folder; may be repeated",
        )
        install.add_argument("--gpu", action="store_true", help="the build for NVIDIA GPUs, an environment of its own")
        install.add_argument(
            "--go-on", action="store_true", help="succeed if at least one can be used, and say what the others lack"
        )
        install.set_defaults(action=self.install)

    def _add_use(self, actions: Any) -> None:
        use = actions.add_parser("use", help="run an engine with an interpreter that already has its framework")
        use.add_argument("name", metavar="NAME", help="an engine, or an environment to speak for all its engines")
        use.add_argument("--python", required=True, type=Path, metavar="PATH", help="the interpreter")
        use.set_defaults(action=self.use)

    def _add_remove(self, actions: Any) -> None:
        remove = actions.add_parser("remove", help="forget a chosen interpreter, else delete what was installed")
        remove.add_argument("names", nargs="+", metavar="NAME", help="an engine or an environment")
        remove.add_argument(
            "--version",
            action="append",
            default=[],
            dest="releases",
            metavar="RELEASE",
            help="this release of it alone",
        )
        remove.add_argument("--gpu", action="store_true", help="its build for NVIDIA GPUs")
        remove.set_defaults(action=self.remove)

    def _add_verify(self, actions: Any) -> None:
        verify = actions.add_parser("verify", help="check that engines do the reference's work, and keep the verdict")
        verify.add_argument("names", nargs="*", metavar="NAME", help="engines")
        verify.add_argument("--all", action="store_true", help="all that can run here; so it is without names, too")
        verify.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
        verify.add_argument("--json", action="store_true", help="every number of every check, as JSON")
        verify.set_defaults(action=self.verify)

    def handle(self, *args: Any, **options: Any) -> None:
        for problem in registry.PROBLEMS:
            self.stderr.write(problem)
        try:
            options["action"](**options)
        except (EngineError, RunsError) as error:
            raise CommandError(str(error)) from error

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    # ------------------------------------------------------------ list

    def list_engines(self, **options: Any) -> None:
        seen = gpus.names()
        rows = [readiness(engine, seen) for engine in registry.ENGINES.values()]
        if options["json"]:
            self._say(json.dumps([_as_json(row) for row in rows], indent=2))
            return
        self._say(_as_table(rows))
        if releases.every():
            self._say(f"\n{_releases_words()}")

    # ------------------------------------------------------------ install, use, remove

    def install(self, **options: Any) -> None:
        names = [*options["names"], *(_engines_of(options["suite"]) if options["suite"] else [])]
        if not names:
            raise CommandError("Name what to install: engines, environments, or --suite NAME for all that it needs.")
        wanted = self._wanted(names, options)
        missing = [info for info in wanted if not environments.is_installed(info)]
        if missing:
            self._say(installation.cost(missing))
        failures = [failure for info in wanted if (failure := self._install_one(info, ready=info not in missing))]
        if failures and not (options["go_on"] and len(failures) < len(wanted)):
            raise CommandError("\n".join(failures))
        for failure in failures:
            self.stderr.write(failure)
        if failures:
            self.stderr.write("Going on without it; its runs will be recorded as unsupported.")

    def _wanted(self, names: list[str], options: dict[str, Any]) -> list[EnvironmentInfo]:
        if not options["releases"]:
            return _named(names, gpu=options["gpu"])
        base, engine = _one_engine(names, options)
        return [releases.resolve(base, releases.wanted(engine, text), say=self._say) for text in options["releases"]]

    def _install_one(self, info: EnvironmentInfo, *, ready: bool) -> str:
        """Why it cannot be used now; empty if it can."""
        try:
            lacking = installation.install(info, say=self._say)
        except EngineError as error:
            return str(error)
        if ready and not lacking:
            self._say(f"{info.name} is installed.")
        return f"{info.title} cannot run without {', '.join(need.what for need in lacking)}." if lacking else ""

    def use(self, **options: Any) -> None:
        info = environments.find(options["name"])
        engine = registry.ENGINES.get(options["name"]) or registry.BY_ABBREVIATION.get(options["name"])
        installation.use(info, options["python"], [engine] if engine else info.engines)
        self._say(f"The environment {info.name} is now {options['python']}; runs made with it will say so.")
        for row in (readiness(other, []) for other in info.engines):
            if "cpu" not in row.devices:
                self._say(f"{row.engine.title} cannot run in it: {row.notes[0]}")

    def remove(self, **options: Any) -> None:
        if not options["releases"]:
            for info in _named(options["names"], gpu=options["gpu"]):
                self._say(installation.remove(info))
            return
        base, engine = _one_engine(options["names"], options)
        for text in options["releases"]:
            found = releases.find(base, releases.wanted(engine, text))
            if found is None or not found.release_of:
                raise CommandError(f"{base.name} has no release {text} here. {_releases_words()}")
            self._say(installation.remove(found))
            releases.forget(found)

    # ------------------------------------------------------------ verify

    def verify(self, **options: Any) -> None:
        if options["all"] and options["names"]:
            raise CommandError("Name engines, or say --all: not both.")
        subjects = _subjects(options["names"], options["device"])
        verdicts = gate.Verdicts(settings.VAR_DIR / "equivalence.json")
        checks: list[gate.Check] = []

        def told(subject: gate.Subject, found: list[gate.Check]) -> None:
            checks.extend(found)
            if not options["json"]:
                self._say("\n".join(gate_lines(subject, found)))

        wanted = {subject: gate.cases_for(registry.find(subject.engine), subject.track) for subject in subjects}
        gate.ask(wanted, verdicts, told)
        if options["json"]:
            self._say(json.dumps([dataclasses.asdict(check) for check in checks], indent=2))
        faulty = [check for check in checks if not (check.passed or check.unsupported)]
        failed = sorted({f"{check.engine} ({check.track})" for check in faulty})
        if failed:
            raise CommandError(f"Not equivalent: {', '.join(failed)}. Their runs will be marked so.")


def _subjects(names: Sequence[str], device: Device) -> list[gate.Subject]:
    """Every track of each. Raises UnavailableError where a named engine cannot run; unnamed ones are left out."""
    seen = gpus.names()
    wanted = [registry.find(name) for name in names] or list(registry.ENGINES.values())
    reasons = {engine.slug: why_not(engine, device, seen) for engine in wanted}
    refused = [reason for reason in reasons.values() if reason]
    if refused and (names or len(refused) == len(wanted)):
        raise UnavailableError("\n".join(dict.fromkeys(refused)))
    usable = [engine for engine in wanted if not reasons[engine.slug]]
    return [gate.Subject(engine.slug, device, track) for engine in usable for track in engine.tracks]


def gate_lines(subject: gate.Subject, checks: Sequence[gate.Check]) -> list[str]:
    """A line for each check on each kind of data, then the tolerances and why these."""
    lines = [f"{registry.find(subject.engine).title}, {subject.track}, on the {subject.device.upper()}"]
    tolerances: dict[str, str] = {}
    width = max((len(str(check.case)) for check in checks), default=0)
    for check in checks:
        if not check.results:
            lines.append(f"  {check.case!s:{width}} {check.dtype} {gate.in_words(check)}")
        for result in check.results:
            words = _scores_words(result) if check.task == "infer" else _result_words(result)
            lines.append(f"  {check.case!s:{width}} {check.dtype} {words}")
            allowed = result["tolerance"]
            words = ", ".join(f"{name} {allowed[name]:.0e}" for name in gate.COMPARED[check.task])
            tolerances[words] = f"  {check.dtype} passes up to: {words}. {allowed['reason']}"
    return [*lines, *tolerances.values()]


def _result_words(result: dict[str, Any]) -> str:
    found, counts, expected = result["differences"], result["counts"], result["expected_counts"]
    same = "as expected" if counts == expected else f"where {expected} were expected"
    return (
        f"{result['data']:6} {'pass' if result['passed'] else 'FAIL'}  losses {found['losses']:.1e}  "
        f"weights {found['weights']:.1e}  updates {found['updates']:.1e} ({found['worst_tensor']})  "
        f"ties: {result['ties']}  {counts['parameters']:,} parameters, {counts['flops'] / 1e9:.3g} GFLOP, "
        f"{counts['samples']:,} samples, {counts['steps']} steps {same}"
    )


def _scores_words(result: dict[str, Any]) -> str:
    return f"{result['data']:6} {'pass' if result['passed'] else 'FAIL'}  scores {result['differences']['scores']:.1e}"


def _one_engine(names: Sequence[str], options: dict[str, Any]) -> tuple[EnvironmentInfo, EngineInfo]:
    """The environment of the one engine whose releases are named."""
    if len(names) != 1:
        raise CommandError("--version goes with one engine: engines install jax --version 0.9 --version 0.10")
    engine = registry.find(names[0])
    return environments.find(engine.environment, gpu=options["gpu"]), engine


def _releases_words() -> str:
    found = releases.every()
    if not found:
        return "No other releases are here."
    words = (f"{each.name}{'' if environments.is_installed(each) else ' (not installed)'}" for each in found)
    return f"Releases beside these: {', '.join(words)}. To measure them: runbench --versions"


def _engines_of(suite: str) -> list[str]:
    return [engine for bench in suites.load(suite).benches for engine in bench.engines]


def _named(names: Sequence[str], *, gpu: bool) -> list[EnvironmentInfo]:
    """The environments meant, each once; two engines may share one."""
    return list(dict.fromkeys(environments.find(name, gpu=gpu) for name in names))


def _as_json(row: Readiness) -> dict[str, Any]:
    engine = row.engine
    own = {"slug": engine.slug, "title": engine.title, "abbreviation": engine.abbreviation}
    told = {key: value for key, value in dataclasses.asdict(row).items() if key != "engine"}
    return own | told


def _as_table(rows: Sequence[Readiness]) -> str:
    cells = [_COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    notes = _notes(rows)
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def _notes(rows: Sequence[Readiness]) -> list[str]:
    """Each note once, after the engines that it holds for."""
    titles: dict[str, list[str]] = {}
    for row in rows:
        for note in row.notes:
            titles.setdefault(note, []).append(row.engine.title)
    return [f"{', '.join(names)}: {note}" for note, names in titles.items()]


def _cells(row: Readiness) -> tuple[str, ...]:
    engine = row.engine
    environment = row.environment if row.origin == "locked" else f"{row.environment} ({row.origin})"
    devices = ", ".join(row.devices) or "none"
    return (engine.title, engine.abbreviation, engine.slug, row.version or "-", environment, devices)
