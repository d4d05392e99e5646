from django.db import migrations

# Django made the table for a page that shows one person's last ten entries. Each index is a filter of config/audit/filters.py,
# newest first; the words are the search. Beside a table in use: CONCURRENTLY, outside a transaction.
INDEXES = {
    "audit_log_time": "(action_time DESC, id DESC)",
    "audit_log_person": "(user_id, action_time DESC, id DESC)",
    "audit_log_type": "(content_type_id, action_time DESC, id DESC)",
    "audit_log_object": "(object_id, action_time DESC, id DESC)",
    "audit_log_kind": "((rtrim(split_part(change_message, ' ', 1), ':.')), action_time DESC, id DESC)",
    "audit_log_words": "USING gin (to_tsvector('simple', object_repr || ' ' || change_message))",
}


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("admin", "0003_logentry_add_action_flag_choices"), ("config", "0003_staff_preferences")]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[],
            options={
                "verbose_name": "audit log entry",
                "verbose_name_plural": "audit log",
                "permissions": [("export_auditentry", "Can export the audit log")],
                "proxy": True,
                "default_permissions": ("view",),
                "indexes": [],
                "constraints": [],
            },
            bases=("admin.logentry",),
            managers=[],
        ),
        *(
            migrations.RunSQL(
                f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON django_admin_log {columns}",
                f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
            )
            for name, columns in INDEXES.items()
        ),
    ]
