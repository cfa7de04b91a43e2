"""A column for bodies as `runs/models/packing.py` packs them: a sixth of their length."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("runs", "0017_lasted_seconds")]
    operations: ClassVar = [migrations.AddField("run", "packed", models.BinaryField(null=True))]
