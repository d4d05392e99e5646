"""When a worker took a request, and that it died over it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0006_asked_for_runs")]

    operations = [
        migrations.RemoveConstraint(model_name="jobrequest", name="job_requests_state"),
        migrations.AddField(
            model_name="jobrequest", name="taken_at", field=models.DateTimeField(blank=True, null=True)
        ),
        migrations.AlterField(
            model_name="jobrequest",
            name="state",
            field=models.TextField(
                choices=[
                    ("waiting", "Waits for a worker"),
                    ("taken", "Taken by a worker"),
                    ("refused", "Refused"),
                    ("lost", "No worker took it"),
                    ("died", "Its worker died"),
                ],
                db_default="waiting",
                default="waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="jobrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["waiting", "taken", "refused", "lost", "died"])),
                name="job_requests_state",
            ),
        ),
    ]
