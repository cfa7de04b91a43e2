"""Reads each run's code and gate's word from its record, and makes the summaries again: those of each code apart.

Records are read, never written. It goes on where it was interrupted: what is filled already is left out.
"""

import math
from bisect import insort
from collections import Counter
from itertools import groupby

from django.db import migrations, transaction
from django.db.models import Max

_CELL = ("experiment_id", "machine_id", "environment_id", "workload_id", "engine", "track", "device", "threads")
_MOST_SAMPLES = 100
_CHUNK = 20_000
_FILL = {
    "postgresql": (
        "UPDATE runs_run SET engine_sha256 = coalesce(body::json #>> '{code,engine_sha256}', ''),"
        " equivalence = coalesce(body::json ->> 'equivalence', 'unverified')"
    ),
    "sqlite": (
        "UPDATE runs_run SET engine_sha256 = coalesce(json_extract(body, '$.code.engine_sha256'), ''),"
        " equivalence = coalesce(json_extract(body, '$.equivalence'), 'unverified')"
    ),
}


def separate(apps, schema_editor):
    connection = schema_editor.connection
    last = apps.get_model("runs", "Run").objects.using(connection.alias).aggregate(last=Max("id"))["last"] or 0
    for start in range(0, last + 1, _CHUNK):
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(
                f"{_FILL[connection.vendor]} WHERE id >= %s AND id < %s AND engine_sha256 = ''",
                [start, start + _CHUNK],
            )
    _make_summaries(apps, connection.alias, (*_CELL, "engine_sha256"), _MOST_SAMPLES)


def pool(apps, schema_editor):
    """As it was: cells of any code together, with a sample of every run."""
    _make_summaries(apps, schema_editor.connection.alias, _CELL, None)


def _make_summaries(apps, database, cell, most_samples):
    model = apps.get_model("runs", "Summary")
    runs = apps.get_model("runs", "Run").objects.using(database)
    columns = (*cell, "finished_at", "block", "status", "reason", "epoch_seconds", "equivalence")
    columns += ("excluded_at", "exclusion_reason")
    found = runs.order_by(*cell, "finished_at", "id").values_list(*columns).iterator(5000)
    with transaction.atomic(using=database):
        model.objects.using(database).all().delete()
        rows = []
        for key, cell_runs in groupby(found, key=lambda values: values[: len(cell)]):
            facts = [dict(zip(columns, values, strict=True)) for values in cell_runs]
            rows.append(model(**dict(zip(cell, key, strict=True)), **_tally(facts, most_samples)))
        model.objects.using(database).bulk_create(rows, batch_size=1000)


def _tally(runs, most_samples):
    samples, counts = [], Counter()
    for run in runs:
        counts["excluded" if run["excluded_at"] else run["status"]] += 1
        if run["epoch_seconds"] and not run["excluded_at"]:
            insort(samples, (run["block"], math.log(run["epoch_seconds"])))
            del samples[: -most_samples if most_samples else 0]
    newest = max(run["finished_at"] for run in runs)
    last = [run for run in runs if run["finished_at"] == newest]
    reasons = [run["exclusion_reason"] if run["excluded_at"] else run["reason"] for run in last]
    words = [run for run in runs if run["equivalence"] != "unverified" and not run["excluded_at"]]
    word = max(words, key=lambda run: (run["finished_at"], run["equivalence"] == "failed"), default=None)
    return {
        "samples": samples,
        "status_counts": dict(counts),
        "reason": "" if samples else max(reasons),
        "newest_run_at": newest,
        "equivalence": word["equivalence"] if word else "unverified",
        "verified_at": word["finished_at"] if word else None,
    }


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("runs", "0008_code_and_gate_columns")]
    operations = [migrations.RunPython(separate, pool)]
