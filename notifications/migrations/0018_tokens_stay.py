from django.db import migrations


# Who may update a token's row (the API notes when it was last used) could else make it another token: give it another
# hash, more scopes, a later end, or take back that it was revoked.
SQL = """
CREATE FUNCTION service_tokens_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.name, NEW.sha256, NEW.scopes, NEW.created_at, NEW.created_by, NEW.expires_at)
        IS DISTINCT FROM (OLD.id, OLD.name, OLD.sha256, OLD.scopes, OLD.created_at, OLD.created_by, OLD.expires_at)
        OR (OLD.revoked_at IS NOT NULL AND (NEW.revoked_at, NEW.revoked_by, NEW.revoke_reason)
            IS DISTINCT FROM (OLD.revoked_at, OLD.revoked_by, OLD.revoke_reason))
    THEN
        RAISE EXCEPTION 'a service token stays what it was: it is used, and revoked once; make another'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER service_tokens_stay BEFORE UPDATE ON service_tokens FOR EACH ROW EXECUTE FUNCTION service_tokens_stay();
"""
UNDO = """
DROP TRIGGER service_tokens_stay ON service_tokens;
DROP FUNCTION service_tokens_stay();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0017_history_status'),
    ]

    operations = [
        migrations.RunSQL(SQL, UNDO),
    ]
