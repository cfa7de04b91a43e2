"""A run record's machine and environment, which many records repeat, move to rows of their own."""

import json
from hashlib import sha256

from django.db import migrations

_BATCH = 500
_PARTS = ("environment", "machine")


def _canonical(document):
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def _in_batches(runs):
    last = 0
    while batch := list(runs.filter(pk__gt=last).order_by("pk")[:_BATCH]):
        yield batch
        last = batch[-1].pk


def split(apps, schema_editor):
    run_model, part_model = apps.get_model("runs", "Run"), apps.get_model("runs", "RecordPart")
    database = schema_editor.connection.alias
    for batch in _in_batches(run_model.objects.using(database)):
        for run in batch:
            rest = dict(run.record)
            for name in _PARTS:
                if name in rest:
                    text = _canonical(rest.pop(name))
                    part, _ = part_model.objects.using(database).get_or_create(
                        sha256=sha256(text.encode()).hexdigest(), defaults={"text": text}
                    )
                    setattr(run, f"{name}_part", part)
            run.body = _canonical(rest)
        run_model.objects.using(database).bulk_update(batch, ["body", *(f"{name}_part" for name in _PARTS)])


def join(apps, schema_editor):
    database = schema_editor.connection.alias
    run_model = apps.get_model("runs", "Run")
    runs = run_model.objects.using(database).select_related(*(f"{name}_part" for name in _PARTS))
    for batch in _in_batches(runs):
        for run in batch:
            parts = {name: getattr(run, f"{name}_part") for name in _PARTS}
            run.record = json.loads(run.body) | {name: json.loads(part.text) for name, part in parts.items() if part}
        run_model.objects.using(database).bulk_update(batch, ["record"])


class Migration(migrations.Migration):
    dependencies = [("runs", "0002_accounts_and_record_parts")]
    operations = [migrations.RunPython(split, join)]
