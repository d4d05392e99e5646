"""Dry runs show each row of the business that they would change."""

from django.db import migrations

from jobs.recording import FUNCTION, record_changes_of


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0002_escalations_pauses_progress"),
        ("rentals", "0002_recipient_groups"),
    ]
    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION postroom_record_change()"),
        record_changes_of("rentals"),
    ]
