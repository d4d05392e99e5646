from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0022_bulk_acts'),
    ]

    operations = [
        migrations.AddField(
            model_name='bulkact',
            name='tries',
            field=models.SmallIntegerField(default=0),
        ),
    ]
