"""What all tests share."""

from __future__ import annotations

import os

import hypothesis
import pytest
from django.conf import settings

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

# No timing is asserted, so a busy machine fails nothing. The same cases each time, so that a failure can be had again.
hypothesis.settings.register_profile(
    "benchsite",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("benchsite")


def pytest_addoption(parser: pytest.Parser) -> None:
    words = "only tests that ask a database; of pages only that each answers, whatever else they are tested for"
    parser.addoption("--of-the-database", action="store_true", help=words)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """For another database: what it can change. A new test that asks one is among these by itself."""
    if config.getoption("--of-the-database"):
        kept = [item for item in items if _asks_a_database(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


def _asks_a_database(item: pytest.Item) -> bool:
    if item.path.parent.name == "pages" and item.path.name != "test_every_page.py":
        return False
    return item.get_closest_marker("django_db") is not None or "db" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite in a file, as a site has it: each thread of a test's server then has a connection of its own.

    In memory they would share one. There a thread that holds the connection and waits for the interpreter's lock stops
    one that holds the interpreter's lock and waits for the connection: for ever, if seldom.
    """
    database = settings.DATABASES["default"]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database["TEST"] = database.get("TEST", {}) | {
            "NAME": str(tmp_path_factory.mktemp("database") / "test.sqlite3")
        }
