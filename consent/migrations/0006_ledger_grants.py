"""The roles that may work here may not rewrite the ledger, beside the triggers that stop everybody.

Where the roles exist; the migration that makes them grants no more than this either.
"""

from django.db import migrations

REVOKE = """
DO $$
DECLARE
    role text;
BEGIN
    FOR role IN SELECT rolname FROM pg_roles WHERE rolname IN ('postroom_service', 'postroom_admin') LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON consent_events, consent_wordings FROM %I', role);
        EXECUTE format('REVOKE DELETE, TRUNCATE ON consent_chains FROM %I', role);
    END LOOP;
    REVOKE UPDATE, DELETE, TRUNCATE ON consent_events, consent_wordings, consent_chains FROM PUBLIC;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0005_chained_ledger")]
    operations = [migrations.RunSQL(REVOKE, migrations.RunSQL.noop)]
