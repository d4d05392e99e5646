from django.db import migrations

# Once an act's messages are chosen, its filter is for readers alone (bulk/choose.py).
CHOSEN = """
UPDATE bulk_acts SET query = regexp_replace(query, '(address(:|%3A))[0-9a-f]{64}', '\\1hidden', 'g')
WHERE total IS NOT NULL AND query LIKE '%address%'
"""


class Migration(migrations.Migration):
    dependencies = [("notifications", "0024_failed_at")]

    operations = [migrations.RunSQL(CHOSEN, migrations.RunSQL.noop)]
