"""A published template version never changes: a message that pinned it must be explainable years later."""

from django.db import migrations

SQL = """
CREATE FUNCTION template_version_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'template version % is published and immutable: make a new version', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER template_version_immutable BEFORE UPDATE ON notification_template_versions
    FOR EACH ROW WHEN (OLD.status = 'published' AND
        (OLD.status, OLD.origin, OLD.source, OLD.content, OLD.channels,
         OLD.locales, OLD.placeholders, OLD.content_sha256, OLD.number, OLD.template_id)
        IS DISTINCT FROM
        (NEW.status, NEW.origin, NEW.source, NEW.content, NEW.channels,
         NEW.locales, NEW.placeholders, NEW.content_sha256, NEW.number, NEW.template_id))
    EXECUTE FUNCTION template_version_refuse();
CREATE TRIGGER template_version_kept BEFORE DELETE ON notification_template_versions
    FOR EACH ROW WHEN (OLD.status = 'published') EXECUTE FUNCTION template_version_refuse();
"""
UNDO = """
DROP TRIGGER template_version_immutable ON notification_template_versions;
DROP TRIGGER template_version_kept ON notification_template_versions;
DROP FUNCTION template_version_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("templates_app", "0001_initial")]
    operations = [migrations.RunSQL(SQL, UNDO)]
