"""Releases of an engine side by side: what `--versions` names, resolved and installed before anything is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from engines import registry
from engines.contract import Device
from engines.environments import environments, installation, releases
from engines.environments.environments import EnvironmentInfo
from engines.registry import EngineInfo
from runs.bench import provenance
from runs.errors import RunsError
from runs.suites.suite import Bench, Suite

Say = Callable[[str], None]
Asked = dict[str, tuple[str, ...]]
"""Engine -> releases as the user names them."""

EXAMPLE = "--versions jax=0.9,0.10"


def asked_for(texts: Sequence[str]) -> Asked:
    """'jax=0.9,0.10' -> the engine and its releases. Raises RunsError or UnsupportedError."""
    found: dict[str, dict[str, None]] = {}
    for text in texts:
        name, equals, versions = text.partition("=")
        named = [version.strip() for version in versions.split(",") if version.strip()]
        if not equals or not named:
            raise RunsError(f"{text!r} names no releases. Allowed: ENGINE=VERSION,VERSION, as in {EXAMPLE}.")
        found.setdefault(registry.find(name).slug, {}).update(dict.fromkeys(named))
    return {engine: tuple(named) for engine, named in found.items()}


def suite_for(suite: Suite, asked: Asked, engines: Sequence[str]) -> Suite:
    """The suite with these engines, whether it has them or not: what is compared are releases, not what it chose."""
    if not asked:
        return suite
    wanted = tuple(dict.fromkeys([*(registry.find(name).slug for name in engines), *asked]))
    return replace(suite, benches=tuple(_bench_for(bench, wanted) for bench in suite.benches))


def usual_experiment(suite: Suite, asked: Asked) -> str:
    """Releases side by side are an experiment of their own, so that a suite's own has one of each engine.

    Others are another one: a release that joined later would stand in no block beside those measured before.
    """
    if not asked:
        return suite.name
    words = [word for engine, versions in asked.items() for word in (engine, *(Path(each).name for each in versions))]
    return " ".join([suite.name, "releases", *words])[:100].rstrip()


def _bench_for(bench: Bench, engines: tuple[str, ...]) -> Bench:
    able = tuple(name for name in engines if bench.network in registry.find(name).families)
    return replace(bench, engines=able or engines)


def ready(asked: Asked, devices: Iterable[Device], *, install: bool, say: Say) -> dict[str, tuple[str, ...]]:
    """Engine -> its releases by their exact names, each installed unless this is only a plan.

    Raises EngineError with what to do.
    """
    wanted = [device for device in dict.fromkeys(devices) if device == "cpu" or provenance.gpus()] or ["cpu"]
    return {
        slug: tuple(
            dict.fromkeys(_ready(registry.find(slug), text, wanted, install=install, say=say) for text in texts)
        )
        for slug, texts in asked.items()
    }


def _ready(engine: EngineInfo, text: str, devices: Sequence[Device], *, install: bool, say: Say) -> str:
    """A plan asks no registry: what is not known here goes by the name that it was given."""
    wanted = releases.wanted(engine, text)
    bases = [environments.environment_for(engine, device) for device in devices if device in engine.devices]
    if not install:
        known = releases.find(bases[0], wanted) if bases else None
        return known.release if known else text
    found = [releases.resolve(base, wanted, say=say) for base in bases]
    for info in found:
        make(info, say=say)
    return found[0].release if found else ""


def make(info: EnvironmentInfo, *, say: Say) -> None:
    """Install it unless it is there. Raises EngineError."""
    if not environments.is_installed(info):
        say(installation.cost([info]))
        installation.install(info, say=say)
