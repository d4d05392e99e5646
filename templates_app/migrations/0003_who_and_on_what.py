"""Who changed and who published a version, on what a draft was based, and which older words a version brought back."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# A draft that stands already was begun on the version before it, as far as anybody can tell; where that is no longer in
# force, it is told that it was overtaken.
FILL = """
UPDATE notification_template_versions AS draft SET based_on_id = (
    SELECT v.id FROM notification_template_versions AS v
    WHERE v.template_id = draft.template_id AND v.status = 'published' AND v.number < draft.number
    ORDER BY v.number DESC LIMIT 1)
WHERE draft.status = 'draft';
"""
COLUMNS = (
    "{0}.status, {0}.origin, {0}.source, {0}.content, {0}.channels, {0}.locales, {0}.placeholders, "
    "{0}.content_sha256, {0}.number, {0}.template_id, {0}.based_on_id, {0}.restores_id"
)
GUARD = f"""
DROP TRIGGER template_version_immutable ON notification_template_versions;
CREATE TRIGGER template_version_immutable BEFORE UPDATE ON notification_template_versions
    FOR EACH ROW WHEN (OLD.status = 'published' AND ({COLUMNS.format("OLD")}) IS DISTINCT FROM ({COLUMNS.format("NEW")}))
    EXECUTE FUNCTION template_version_refuse();
"""
UNGUARD = GUARD.replace(", OLD.based_on_id, OLD.restores_id", "").replace(", NEW.based_on_id, NEW.restores_id", "")


def person() -> models.ForeignKey:
    return models.ForeignKey(
        blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
    )


def version() -> models.ForeignKey:
    return models.ForeignKey(
        blank=True,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="templates_app.notificationtemplateversion",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("templates_app", "0002_immutable_versions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddField("notificationtemplateversion", "changed_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("notificationtemplateversion", "changed_by", person()),
        migrations.AddField("notificationtemplateversion", "published_by", person()),
        migrations.AddField("notificationtemplateversion", "based_on", version()),
        migrations.AddField("notificationtemplateversion", "restores", version()),
        # Foreign keys are checked at the end of a transaction, and a table with checks due cannot be changed.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
