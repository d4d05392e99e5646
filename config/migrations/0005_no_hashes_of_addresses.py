from django.db import migrations

# What an act was searched by stands in its entry: an address now says only that it was one, and so do older entries. By the index
# of the type of object; acts are few.
ENTRIES = """
UPDATE django_admin_log SET change_message = regexp_replace(change_message, 'address:[0-9a-f]{64}', 'an address', 'g')
WHERE content_type_id = (SELECT id FROM django_content_type WHERE app_label = 'notifications' AND model = 'bulkact')
    AND change_message LIKE '%address:%'
"""


class Migration(migrations.Migration):
    dependencies = [("config", "0004_audit_log")]

    operations = [migrations.RunSQL(ENTRIES, migrations.RunSQL.noop)]
