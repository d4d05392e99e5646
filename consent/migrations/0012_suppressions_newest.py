from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0011_requests_that_are_over")]

    operations = [
        migrations.AddIndex(
            model_name="suppression",
            index=models.Index(fields=["-created_at", "-id"], name="suppressions_newest"),
        ),
    ]
