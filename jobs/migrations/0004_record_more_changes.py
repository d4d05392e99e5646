"""A dry run shows what it would change in the tables that came since (docs/decisions/0009-dry-runs-record-rows.md)."""

from django.db import migrations

from jobs.recording import record_changes_of


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_record_changes"), ("rentals", "0004_views")]
    operations = [record_changes_of("rentals")]
