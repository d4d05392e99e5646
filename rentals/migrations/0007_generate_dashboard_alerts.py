"""What staff heard of an alert, and the recipient group of those who run the yard: bookings that clash, missing insurance."""

from django.db import migrations, models


def create(apps, schema_editor):
    apps.get_model("auth", "Group").objects.get_or_create(name="operations")


class Migration(migrations.Migration):

    dependencies = [
        ('rentals', '0006_sla_monitor'),
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.AddField(
            model_name='alert',
            name='told_severity',
            field=models.TextField(blank=True, choices=[('warning', 'Warning'), ('critical', 'Critical')], db_default='', default=''),
        ),
        migrations.AddConstraint(
            model_name='alert',
            constraint=models.CheckConstraint(condition=models.Q(('told_severity__in', ['', 'warning', 'critical'])), name='alerts_told_severity'),
        ),
        # Undone by leaving it: by then people are in it.
        migrations.RunPython(create, migrations.RunPython.noop),
    ]
