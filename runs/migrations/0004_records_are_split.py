from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0003_split_records")]
    operations = [
        migrations.RemoveField(model_name="run", name="record"),
        migrations.AlterField(model_name="run", name="body", field=models.TextField()),
    ]
