"""What is timed may be calls: one column for either's time, two for what calls have beside it."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models
from django.db.models import Q

_NEW_TIME = Q(status="finished", seconds__isnull=False) | (~Q(status="finished") & Q(seconds__isnull=True))


class Migration(migrations.Migration):
    dependencies: ClassVar = [("runs", "0012_options_and_tasks")]

    operations: ClassVar = [
        migrations.RemoveConstraint("workload", "workload_task_is_known"),
        migrations.AlterField(
            "workload",
            "task",
            models.CharField(choices=[("train", "train"), ("infer", "infer")], default="train", max_length=20),
        ),
        migrations.AddConstraint(
            "workload",
            models.CheckConstraint(condition=Q(task__in=["train", "infer"]), name="workload_task_is_known"),
        ),
        migrations.RenameField("workload", "flops_per_epoch", "flops"),
        migrations.RemoveConstraint("run", "run_epoch_seconds_is_not_negative"),
        migrations.RemoveConstraint("run", "run_has_a_time_if_finished"),
        migrations.RemoveIndex("run", "run_fastest_first"),
        migrations.RemoveIndex("run", "run_newest_unfinished"),
        migrations.RenameField("run", "epoch_seconds", "seconds"),
        migrations.AddConstraint(
            "run", models.CheckConstraint(condition=Q(seconds__gte=0), name="run_seconds_are_not_negative")
        ),
        migrations.AddConstraint("run", models.CheckConstraint(condition=_NEW_TIME, name="run_has_a_time_if_finished")),
        migrations.AddIndex(
            "run",
            models.Index(fields=["seconds", "id"], condition=Q(seconds__isnull=False), name="run_fastest_first"),
        ),
        migrations.AddIndex(
            "run",
            models.Index(
                fields=["status", "finished_at", "id"],
                condition=Q(seconds__isnull=True),
                name="run_newest_unfinished",
            ),
        ),
        migrations.AddField("run", "tail_seconds", models.FloatField(null=True, blank=True)),
        migrations.AddField("run", "mean_seconds", models.FloatField(null=True, blank=True)),
        migrations.AddField("summary", "tails", models.JSONField(default=list)),
        migrations.AddField("summary", "means", models.JSONField(default=list)),
    ]
