from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0009_separate_cells_by_code")]
    operations = [
        migrations.AlterField("run", "engine_sha256", models.CharField(max_length=64)),
        migrations.AlterField("summary", "engine_sha256", models.CharField(max_length=64)),
        migrations.AddIndex(
            "summary",
            models.Index(
                condition=models.Q(("equivalence", "failed")),
                fields=["engine_sha256"],
                name="summary_not_equivalent",
            ),
        ),
        migrations.AddConstraint(
            "run",
            models.CheckConstraint(
                condition=models.Q(("equivalence__in", ["passed", "failed", "unverified"])),
                name="run_equivalence_is_known",
            ),
        ),
        migrations.AddConstraint(
            "summary",
            models.UniqueConstraint(
                fields=(
                    "experiment",
                    "machine",
                    "environment",
                    "workload",
                    "engine",
                    "track",
                    "device",
                    "threads",
                    "engine_sha256",
                ),
                name="one_summary_per_cell",
            ),
        ),
    ]
