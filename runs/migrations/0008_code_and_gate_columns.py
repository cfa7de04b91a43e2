"""The engine's code is part of a cell, and the gate's word decides whether a cell's times count: their columns."""

from django.db import migrations, models

_EQUIVALENCES = [("passed", "passed"), ("failed", "failed"), ("unverified", "unverified")]


def _code():
    return models.CharField(default="", max_length=64)


def _word():
    return models.CharField(choices=_EQUIVALENCES, default="unverified", max_length=10)


class Migration(migrations.Migration):
    dependencies = [("runs", "0007_fill_coverage")]
    operations = [
        migrations.RemoveConstraint("summary", "one_summary_per_cell"),
        migrations.AddField("run", "engine_sha256", _code()),
        migrations.AddField("run", "equivalence", _word()),
        migrations.AddField("summary", "engine_sha256", _code()),
        migrations.AddField("summary", "equivalence", _word()),
        migrations.AddField("summary", "verified_at", models.DateTimeField(blank=True, null=True)),
    ]
