"""How long an act was worked at, for its pace."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0025_no_hashes_of_addresses")]

    operations = [
        migrations.AddField(
            model_name="bulkact",
            name="worked",
            field=models.FloatField(db_default=0, default=0, help_text="Seconds"),
        ),
    ]
