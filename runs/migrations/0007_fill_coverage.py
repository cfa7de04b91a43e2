"""Counts what summaries hold by experiment, machine, environment, engine and track; and cheaper compression."""

from collections import Counter

from django.db import migrations

_COLUMNS = ("experiment_id", "machine_id", "environment_id", "engine", "track")


def fill(apps, schema_editor):
    database = schema_editor.connection.alias
    summaries = apps.get_model("runs", "Summary").objects.using(database)
    cells, runs, newest = Counter(), Counter(), {}
    for *columns, counts, moment in summaries.values_list(*_COLUMNS, "status_counts", "newest_run_at").iterator(2000):
        key = tuple(columns)
        cells[key] += 1
        runs[key] += sum(counts.values())
        newest[key] = max(moment, newest.get(key, moment))
    model = apps.get_model("runs", "Coverage")
    rows = [
        model(**dict(zip(_COLUMNS, key, strict=True)), cells=cells[key], runs=runs[key], newest_run_at=newest[key])
        for key in sorted(cells)
    ]
    model.objects.using(database).bulk_create(rows, batch_size=1000)


def empty(apps, schema_editor):
    apps.get_model("runs", "Coverage").objects.using(schema_editor.connection.alias).all().delete()


def compress_faster(apps, schema_editor):
    """A record's text takes PostgreSQL's own compression as long as all the rest of its row; LZ4 a fifth of that."""
    if schema_editor.connection.vendor == "postgresql" and _has_lz4(schema_editor.connection):
        schema_editor.execute("ALTER TABLE runs_run ALTER COLUMN body SET COMPRESSION lz4")


def compress_as_before(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql" and _has_lz4(schema_editor.connection):
        schema_editor.execute("ALTER TABLE runs_run ALTER COLUMN body SET COMPRESSION default")


def _has_lz4(connection):
    """PostgreSQL 14 and later, where it was built with it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'")
        found = cursor.fetchone()
    return bool(found and found[0])


class Migration(migrations.Migration):
    dependencies = [("runs", "0006_coverage_and_indexes")]
    operations = [
        migrations.RunPython(fill, empty),
        migrations.RunPython(compress_faster, compress_as_before),
    ]
