"""Many machines, one experiment: measured everywhere at the same time."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import textwrap
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from engines.errors import EngineError
from engines.host import PROJECT_ROOT
from runs.bench import arguments, releases
from runs.bench.display import duration
from runs.bench.options import positive, seconds_of, suite_of
from runs.errors import RunsError
from runs.fleet import agent, driving, environment, manifests, request
from runs.fleet.state import FleetState, MachineState, begin, fleets
from runs.fleet.workers import CERTIFICATE, KEY
from runs.fleet.workers import environment as variables

EXAMPLES = """
examples:
  python manage.py fleet install                       Dask, in an environment of its own
  python manage.py fleet keys                          what driver and machines know each other by
  python manage.py fleet run --suite modern --machines lab1,lab2
  python manage.py fleet worker --scheduler tls://10.0.0.1:8786 --machine lab1       on lab1, by systemd say
  python manage.py fleet run --suite quick --machines lab1,lab2 --deploy ssh --hosts lab2=ann@10.0.0.5:/opt/benchsite
  python manage.py fleet run --suite modern --machines node1,node2 --deploy slurm --queue bench --walltime 12:00:00
  python manage.py fleet run --suite quick --machines lab1,lab2 --upload https://bench.example.org
  python manage.py fleet run --suite modern --machines lab1,lab2 --versions jax=0.9.2,0.10.0
  python manage.py fleet status
  python manage.py fleet manifests --machines node1,node2 --image registry.example.org/benchsite | kubectl apply -f -

Each machine plans from its own spool, so that whatever dies or is handed out twice, the same command goes on.
Exit codes: 0 done, 1 a machine is not, 2 a wrong option, 130 stopped by Ctrl-C.
"""
_ALL_ADDRESSES = "0.0.0.0"  # noqa: S104


class Command(BaseCommand):
    help = "Measure one experiment on many machines at the same time, and see what each of them is at."
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.update(epilog=textwrap.dedent(EXAMPLES), formatter_class=argparse.RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.set_defaults(action=self.status)
        actions = parser.add_subparsers(title="actions (none shows the status)", metavar="ACTION")
        actions.add_parser("install", help="make the fleet's environment").set_defaults(action=self.install)
        self._add_keys(actions)
        self._add_run(actions)
        self._add_worker(actions)
        self._add_scheduler(actions)
        status = actions.add_parser("status", help="what each machine measures, what is left, who is missing")
        status.add_argument("--json", action="store_true", help="print JSON instead of text")
        status.set_defaults(action=self.status)
        self._add_manifests(actions)

    def _add_keys(self, actions: Any) -> None:
        keys = actions.add_parser("keys", help="make the certificate and key that all of the fleet shares")
        keys.add_argument("--keys", metavar="FOLDER", help="where they go: var/fleet/keys if left out")
        keys.set_defaults(action=self.keys)

    def _add_run(self, actions: Any) -> None:
        run = actions.add_parser("run", help="hand out an experiment, and see it through")
        self.what = run.add_argument_group("what to measure, as with runbench")
        arguments.add_what(self.what)
        arguments.add_releases(self.what)
        self.extent = run.add_argument_group("how much")
        arguments.add_extent(self.extent)
        self.extent.add_argument("--no-database", action="store_true", help="machines write only their spool files")
        self.extent.add_argument("--accept-hardware", action="store_true", help="as with runbench")
        _add_where(run.add_argument_group("where"))
        _add_batch_system(run.add_argument_group("batch systems"))
        how = run.add_argument_group("how to look at it")
        how.add_argument("--plan", action="store_true", help="ask each machine what is left there; measure nothing")
        how.add_argument("--json", action="store_true", help="print events as lines of JSON")
        run.set_defaults(action=self.run)

    def _add_worker(self, actions: Any) -> None:
        worker = actions.add_parser("worker", help="take part with this machine")
        worker.add_argument("--scheduler", required=True, metavar="ADDRESS", help="tls://host:8786")
        worker.add_argument("--machine", required=True, metavar="NAME", help="as --machines of `fleet run` names it")
        worker.add_argument("--keys", metavar="FOLDER", help="var/fleet/keys if left out")
        worker.add_argument("--while-connected", action="store_true", help="end when standard input is closed")
        worker.set_defaults(action=self.worker)

    def _add_scheduler(self, actions: Any) -> None:
        scheduler = actions.add_parser("scheduler", help="one that outlives drivers; `fleet run` brings its own")
        scheduler.add_argument("--host", default=_ALL_ADDRESSES, help="the address to listen on (default: all)")
        scheduler.add_argument("--port", type=int, default=8786, help="default: 8786")
        scheduler.add_argument("--keys", metavar="FOLDER", help="var/fleet/keys if left out")
        scheduler.set_defaults(action=self.scheduler)

    def _add_manifests(self, actions: Any) -> None:
        kubernetes = actions.add_parser("manifests", help="print a fleet for kubectl")
        kubernetes.add_argument("--machines", required=True, metavar="NODE,…", help="names of nodes")
        kubernetes.add_argument("--image", required=True, help="with this project, set up, in /opt/benchsite")
        kubernetes.add_argument("--namespace", default="default")
        kubernetes.add_argument("--cpus", type=positive, default=4, help="of each node, for its pod alone (default: 4)")
        kubernetes.add_argument("--memory", default="16Gi", help="default: 16Gi")
        kubernetes.add_argument("--gpus", type=int, default=0, help="default: 0")
        kubernetes.add_argument("--secret", default="benchsite-fleet", help="with the keys (default: benchsite-fleet)")
        kubernetes.add_argument(
            "--spools", default="/var/lib/benchsite", help="the folder of a node that keeps its spool"
        )
        kubernetes.set_defaults(action=self.manifests)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            options["action"](options)
        except (RunsError, EngineError) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing finished is lost; the same command goes on.", returncode=130) from None

    # ------------------------------------------------------------ the small actions

    def install(self, options: Mapping[str, Any]) -> None:
        environment.install(say=self.stdout.write)

    def keys(self, options: Mapping[str, Any]) -> None:
        folder = _keys(options)
        driving.make_keys(folder)
        self.stdout.write(
            f"{folder} has {CERTIFICATE} and {KEY}, good for a year. Copy both to the same folder on every machine; "
            "whoever has them can make the fleet's machines run what they like."
        )

    def worker(self, options: Mapping[str, Any]) -> None:
        keys = _keys(options)
        driving.check_keys(keys)
        connected = options["while_connected"]
        agent.serve(options["scheduler"], options["machine"], keys, while_connected=connected, say=self.stderr.write)

    def scheduler(self, options: Mapping[str, Any]) -> None:
        keys = _keys(options)
        driving.check_keys(keys)
        tls = ["--tls-ca-file", keys / CERTIFICATE, "--tls-cert", keys / CERTIFICATE, "--tls-key", keys / KEY]
        where = ["--host", options["host"], "--port", options["port"], "--protocol", "tls", "--no-dashboard"]
        command = [environment.python(), "-m", "distributed.cli.dask_scheduler", *where, *tls]
        ended = subprocess.run(list(map(str, command)), cwd=PROJECT_ROOT, env=variables(os.environ))
        if ended.returncode:
            raise RunsError(f"The scheduler ended with exit code {ended.returncode}; what it said is above.")

    def manifests(self, options: Mapping[str, Any]) -> None:
        self.stdout.write(
            manifests.manifests(
                request.machines_in(options["machines"]),
                image=options["image"],
                namespace=options["namespace"],
                cpus=options["cpus"],
                memory=options["memory"],
                gpus=options["gpus"],
                keys=options["secret"],
                folder=options["spools"],
            )
        )

    # ------------------------------------------------------------ status

    def status(self, options: Mapping[str, Any]) -> None:
        known = fleets(settings.VAR_DIR)
        if options.get("json"):
            self.stdout.write(
                json.dumps([{**vars(fleet), "machines": list(map(vars, fleet.machines))} for fleet in known])
            )
            return
        if not known:
            self.stdout.write("No fleet was driven from here yet. Type: python manage.py fleet --help")
        for fleet in known:
            self.stdout.write(
                f"{fleet.experiment} ({fleet.suite}), begun {fleet.started_at[:16]}: {_fleet_words(fleet)}"
            )
            for machine in fleet.machines:
                self.stdout.write(f"  {_machine_words(machine)}")

    # ------------------------------------------------------------ run

    def run(self, options: dict[str, Any]) -> None:
        keys = _keys(options)
        driving.check_keys(keys)
        suite = suite_of({**options, "plan": True})
        usual = releases.usual_experiment(suite, releases.asked_for(options["versions"]))
        own_file = bool(request.suite_text(options["suite"]))
        words = request.words_of(self.what, options, without=["suite"] if own_file else [])
        words += request.words_of(self.extent, options, without=["budget"])
        asked = request.make(
            options, words=words, experiment=options["experiment"] or usual, keys=keys, var=settings.VAR_DIR
        )
        fleet = begin(asked["experiment"], suite.name, asked["machines"])
        with driving.driver(asked, settings.VAR_DIR / "fleet" / "logs" / "driver.log") as events:
            self._follow(fleet, events, options)
        if not fleet.is_done:
            unfinished = ", ".join(machine.name for machine in fleet.machines if machine.word != "done")
            raise RunsError(f"Not finished: {unfinished}. The same command goes on where they are.")

    def _follow(self, fleet: FleetState, events: Iterable[dict[str, Any]], options: Mapping[str, Any]) -> None:
        over = False
        try:
            for event in events:
                now = datetime.now(UTC)
                fleet.hear(event, now)
                over = event["event"] == "over"
                if not options["plan"]:
                    fleet.write(settings.VAR_DIR)
                self._tell(event, options)
                if options["patience"] and self._waits_in_vain(fleet, now, options["patience"]):
                    self.stderr.write(f"Nobody else came within {duration(options['patience'])}.")
                    return
        finally:
            fleet.ended_at = datetime.now(UTC).isoformat()
            if not options["plan"]:
                fleet.write(settings.VAR_DIR)
        if not over:
            log = settings.VAR_DIR / "fleet" / "logs" / "driver.log"
            raise RunsError(f"The driver ended. Its reason is in {log}. The same command goes on.")

    def _waits_in_vain(self, fleet: FleetState, now: datetime, seconds: float) -> bool:
        """Whether all that are not done have been missing for so long."""
        waited_for = [machine for machine in fleet.machines if not machine.is_over]
        return bool(waited_for) and all(
            machine.is_missing and (now - datetime.fromisoformat(machine.since)).total_seconds() > seconds
            for machine in waited_for
        )

    _there: frozenset[str] = frozenset()

    def _tell(self, event: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(event))
            return
        if event["event"] == "there":
            there = frozenset(event["machines"])
            for name in sorted(there ^ self._there):
                self.stdout.write(f"{name} {'is there' if name in there else 'is gone'}.")
            self._there = there
        elif words := _event_words(event):
            self.stdout.write(words)


def _event_words(event: Mapping[str, Any]) -> str:
    kind, machine = event["event"], event.get("machine", "")
    if kind == "ready":
        return f"Waiting for machines at {event['address']}."
    if kind == "lost":
        return "The scheduler is gone; waiting for it. Machines finish what they are at."
    if kind == "left":
        left = f"{event['blocks']} blocks, {event['runs']} runs, about {duration(event['seconds'])}"
        return f"{machine}: {left} left." if event["blocks"] else f"{machine}: nothing is left."
    if kind in ("slice", "said"):
        return f"{machine}: {event['said']}"
    if kind == "machine" and event["state"] in ("stuck", "busy", "done", "uploading"):
        return f"{machine}: {event['state']}. {event.get('said', '')}".rstrip()
    return ""


def _fleet_words(fleet: FleetState) -> str:
    if fleet.is_silent(datetime.now(UTC)):
        return f"no word of its driver since {fleet.updated_at[:16]}. The same command goes on."
    if fleet.ended_at:
        return "done" if fleet.is_done else "stopped. The same command goes on."
    return "at work"


def _machine_words(machine: MachineState) -> str:
    words = f"{machine.name}: "
    words += f"missing since {machine.since[:16]}" if machine.is_missing else machine.word
    if machine.blocks_left:
        words += (
            f", {machine.blocks_left} blocks ({machine.runs_left} runs, {duration(machine.seconds_left or 0)}) left"
        )
    return f"{words}. {machine.said}".rstrip()


def _keys(options: Mapping[str, Any]) -> Path:
    return Path(options.get("keys") or settings.VAR_DIR / "fleet" / "keys").resolve()


def _add_where(where: Any) -> None:
    where.add_argument("--machines", required=True, metavar="NAME,…", help="lab1,lab2: the names they get in results")
    where.add_argument("--experiment", metavar="NAME", help="the suite's name by default")
    where.add_argument(
        "--deploy",
        choices=["none", "ssh", "slurm", "pbs", "lsf"],
        default="none",
        help="who starts the workers: each machine itself (none), we by ssh, or a batch system; for Kubernetes see "
        "`fleet manifests`",
    )
    where.add_argument("--scheduler", metavar="ADDRESS", help="one that is there already: tls://host:8786")
    where.add_argument("--host", default=_ALL_ADDRESSES, help="the address to listen on (default: all)")
    where.add_argument("--port", type=int, default=8786, help="default: 8786; 0 takes any")
    where.add_argument(
        "--hosts",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=HOST",
        help="with --deploy ssh: where a machine is",
    )
    where.add_argument(
        "--folder", metavar="PATH", help="with --deploy ssh: where this project is there (default: as here)"
    )
    where.add_argument("--keys", metavar="FOLDER", help="var/fleet/keys if left out")
    where.add_argument("--upload", metavar="URL", help="each machine uploads there, with its own token")
    where.add_argument(
        "--slice", type=seconds_of, default=900.0, metavar="TIME", help="what is handed out at a time (default: 15m)"
    )
    where.add_argument(
        "--wait", type=seconds_of, default=3600.0, metavar="TIME", help="for what else a machine measures (default: 1h)"
    )
    where.add_argument(
        "--patience", type=seconds_of, metavar="TIME", help="give up on machines that are missing for so long"
    )


def _add_batch_system(batch: Any) -> None:
    batch.add_argument("--queue", metavar="NAME", help="partition or queue")
    batch.add_argument("--walltime", metavar="TIME", help="of a job, as the batch system writes it: 12:00:00")
    batch.add_argument("--memory", default="8GiB", metavar="SIZE", help="that a job asks for (default: 8GiB)")
    batch.add_argument(
        "--directive",
        action="append",
        default=[],
        metavar="TEXT",
        help="one more line for the job's head; may be repeated",
    )
    batch.add_argument(
        "--environment",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="what each job has in addition; {machine} is its name",
    )
