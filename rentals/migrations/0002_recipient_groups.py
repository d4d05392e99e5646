"""The recipient groups that jobs write to exist from the start; who is in them is for the administrators to say."""

from django.db import migrations

GROUPS = ["security_centre", "finance", "workshop", "support_leads"]


def create(apps, schema_editor):
    group = apps.get_model("auth", "Group")
    for name in GROUPS:
        group.objects.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [("rentals", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]
    # Undone by leaving them: by then people are in them.
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
