"""The packed column takes the place of the text. Backwards, bodies are empty until 0019 unpacks them."""

from typing import ClassVar

from django.db import migrations, models

from runs.models.packing import PackedTextField


class Migration(migrations.Migration):
    dependencies: ClassVar = [("runs", "0019_pack_bodies")]
    operations: ClassVar = [
        migrations.AlterField("run", "body", models.TextField(default="")),  # so that it can come back, empty
        migrations.RemoveField("run", "body"),
        migrations.RenameField("run", "packed", "body"),
        migrations.AlterField("run", "body", PackedTextField()),
    ]
