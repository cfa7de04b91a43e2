"""Who imports what, proven in a fresh interpreter: a bench machine needs no framework and no Django to be a host."""

from __future__ import annotations

import json
import subprocess
import sys

from engines.host import PROJECT_ROOT
from engines.registry import ENGINES_FOLDER

FRAMEWORKS = {"theano", "tensorflow", "keras", "jax", "torch", "pytensor", "pygpu"}
SITE = {"django", "rest_framework", "pydantic", "rich", "scipy", "runs", "benchsite"}
HOST_SIDE = (
    "engines.host",
    "engines.machine",
    "engines.registry",
    "engines.contract",
    "engines.environments.environments",
    "engines.environments.readiness",
    "engines.datasets",
    "engines.protocol",
    "engines.canary",
)
RUNS_SIDE = (
    "runs.bench.session",
    "runs.bench.display",
    "runs.suites.plan",
    "runs.services.recording",
    "runs.selectors.cells",
    "runs.management.commands.runbench",
)


def imported_with(*modules: str, setup: str = "") -> set[str]:
    """The top-level packages, and the modules of engines, that a fresh interpreter has after importing these."""
    code = f"{setup}\nimport json, sys, {', '.join(modules)}\nprint(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    names = json.loads(answer.stdout.splitlines()[-1])
    return {name if name.startswith("engines.") else name.partition(".")[0] for name in names}


def test_the_host_side_imports_no_framework_no_numpy_and_no_django() -> None:
    assert imported_with(*HOST_SIDE) & (FRAMEWORKS | SITE | {"numpy"}) == set()


def test_the_host_side_needs_the_standard_library_annotated_types_and_packaging_alone() -> None:
    ours = imported_with(*HOST_SIDE) - imported_with("os")
    packages = {name for name in ours if not name.startswith("engines")} - set(sys.stdlib_module_names)
    # annotated_types looks for typing_extensions, and lives without it
    allowed = {"annotated_types", "typing_extensions", "packaging"}
    assert {name for name in packages if not name.startswith("_")} <= allowed


def test_the_worker_imports_numpy_only_with_its_job() -> None:
    """Threads are set before the first import of NumPy, or they are not set."""
    assert imported_with("engines.worker") & (FRAMEWORKS | SITE | {"numpy"}) == set()


WORKER_SIDE = (
    "engines.worker",
    "engines.backends",
    "engines.registry",
    "engines.networks",
    "engines.datasets",
    "engines.timing",
    "engines.protocol",
    "engines.contract",
    "engines.errors",
    "engines.equivalence",
    "engines.canary",
    "engines.machine",
    *(f"engines.frameworks.{path.stem}" for path in sorted((ENGINES_FOLDER / "frameworks").glob("[a-z]*.py"))),
)


def test_what_a_worker_imports_runs_on_python_3_10() -> None:
    """`tomllib` came with 3.11: the host has it, a framework's interpreter may not. The frameworks come with Engine."""
    imported = imported_with(*WORKER_SIDE)
    assert "tomllib" not in imported
    assert not [name for name in imported if name.startswith("engines.environments")]
    assert imported & FRAMEWORKS == set()


def test_the_site_imports_no_framework_and_nothing_that_runs_in_a_worker() -> None:
    setup = (
        "import os\n"
        "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'benchsite.settings')\n"
        "import django\n"
        "django.setup()"
    )
    imported = imported_with(*RUNS_SIDE, setup=setup)
    assert "runs" in imported
    assert imported & (FRAMEWORKS | {"engines.worker", "engines.equivalence"}) == set()
    assert not [name for name in imported if name.startswith("engines.frameworks")]
