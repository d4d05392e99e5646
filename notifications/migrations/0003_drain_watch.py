"""Who watches the queue (unlogged: written every second, worth nothing after a crash), and each attempt only once."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0002_storage"),
    ]

    operations = [
        migrations.CreateModel(
            name="DrainWatch",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("alive_until", models.DateTimeField()),
                ("listening_until", models.DateTimeField()),
            ],
            options={
                "db_table": "drain_watch",
            },
        ),
        migrations.AlterField(
            model_name="deliveryattempt",
            name="notification",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="delivery_attempts",
                to="notifications.notification",
            ),
        ),
        migrations.AddConstraint(
            model_name="deliveryattempt",
            constraint=models.UniqueConstraint(
                fields=("notification", "number", "started_at"), name="delivery_attempts_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="drainwatch",
            constraint=models.CheckConstraint(condition=models.Q(("id", 1)), name="drain_watch_single"),
        ),
        migrations.RunSQL("ALTER TABLE drain_watch SET UNLOGGED", "ALTER TABLE drain_watch SET LOGGED"),
    ]
