from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0015_prices")]

    operations = [
        migrations.AddField(model_name="workload", name="replicas", field=models.PositiveIntegerField(default=1)),
    ]
