"""The consent ledger is append-only: no UPDATE, DELETE or TRUNCATE, whoever asks."""

from django.db import migrations

SQL = """
CREATE FUNCTION consent_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'consent_events is append-only: record a new event instead of a % ', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER consent_events_append_only BEFORE UPDATE OR DELETE ON consent_events
    FOR EACH ROW EXECUTE FUNCTION consent_events_refuse();
CREATE TRIGGER consent_events_no_truncate BEFORE TRUNCATE ON consent_events
    FOR EACH STATEMENT EXECUTE FUNCTION consent_events_refuse();
"""
UNDO = """
DROP TRIGGER consent_events_append_only ON consent_events;
DROP TRIGGER consent_events_no_truncate ON consent_events;
DROP FUNCTION consent_events_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0001_initial")]
    operations = [migrations.RunSQL(SQL, UNDO)]
