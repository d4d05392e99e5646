"""The triggers that record what a dry run changes: in, an app's label; out, a migration's operation that puts them on its tables.

They sleep (one look at a setting a row) in every other transaction: docs/decisions/0009-dry-runs-record-rows.md.
"""

from typing import Any

from django.db import migrations

FUNCTION = """
CREATE FUNCTION postroom_record_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- The setting says how many rows are kept with their values; the others are counted.
    kept boolean := nextval('pg_temp.postroom_changes_place') <= current_setting('postroom.rehearsal')::bigint;
BEGIN
    INSERT INTO pg_temp.postroom_changes (place, relation, action, before, after)
    VALUES (currval('pg_temp.postroom_changes_place'), TG_TABLE_NAME, lower(TG_OP),
            CASE WHEN kept AND TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
            CASE WHEN kept AND TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
    RETURN NULL;
END $$
"""
# Without a condition on OLD or NEW: it is false before anything is queued.
TRIGGER = """
CREATE OR REPLACE TRIGGER postroom_record_change AFTER INSERT OR UPDATE OR DELETE ON "{table}"
FOR EACH ROW WHEN (current_setting('postroom.rehearsal', true) <> '') EXECUTE FUNCTION postroom_record_change()
"""


def record_changes_of(app: str) -> migrations.RunPython:
    """Every table that the app has at this point of the migrations. Can be repeated when the app has got more."""

    def put(apps: Any, schema_editor: Any) -> None:
        for table in _tables(apps, app):
            schema_editor.execute(TRIGGER.format(table=table))

    def take_away(apps: Any, schema_editor: Any) -> None:
        for table in _tables(apps, app):
            schema_editor.execute(f'DROP TRIGGER IF EXISTS postroom_record_change ON "{table}"')

    return migrations.RunPython(put, take_away)


def _tables(apps: Any, app: str) -> list[str]:
    models = apps.get_app_config(app).get_models(include_auto_created=True)
    tables = [model._meta for model in models]  # noqa: SLF001 (public by its documentation)
    return sorted({table.db_table for table in tables if table.managed})
