"""Where Dask is: an environment of its own, so that neither the site nor an engine ever sees its packages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engines.environments import environments, installation
from engines.environments.environments import EnvironmentInfo
from engines.environments.system import Say


@dataclass(frozen=True)
class _FleetEnvironment(EnvironmentInfo):
    @property
    def install_command(self) -> str:
        return "python manage.py fleet install"


ENVIRONMENT = _FleetEnvironment(
    name="fleet",
    title="Dask, which carries work to a fleet's machines",
    pythons=("3.11", "3.12", "3.13"),
    download_mb=14,
    disk_mb=92,
    brought_lock=str(Path(__file__).parent / "carrier" / "fleet.txt"),
)


def install(*, say: Say) -> None:
    """Nothing where it stands already. Raises EngineError with what to do."""
    installation.install(ENVIRONMENT, say=say)


def python() -> Path:
    """Its interpreter. Raises UnavailableError that says what to type."""
    return environments.python_of(ENVIRONMENT)
