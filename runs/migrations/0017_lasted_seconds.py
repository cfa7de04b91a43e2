"""How long a run lasted, whatever came of it: lists are ordered by it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models

_LASTED = {
    "postgresql": "GREATEST(0, EXTRACT(EPOCH FROM finished_at - started_at))",
    "sqlite": "MAX(0, (julianday(finished_at) - julianday(started_at)) * 86400)",
}
"""By the database's vendor, in seconds."""


def fill(_apps: Any, editor: Any) -> None:
    """In the database: a million runs take seconds, where they would take minutes through Python."""
    editor.execute(f"UPDATE runs_run SET lasted_seconds = {_LASTED[editor.connection.vendor]}")  # noqa: S608 - of above


class Migration(migrations.Migration):
    dependencies: ClassVar = [("runs", "0016_replicas")]

    operations: ClassVar = [
        migrations.AddField("run", "lasted_seconds", models.FloatField(default=0.0)),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex("run", models.Index(fields=["lasted_seconds", "id"], name="run_longest_first")),
    ]
