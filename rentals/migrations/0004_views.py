"""The eight materialized views, the state kept of them, and the triggers that ask for a refresh.

The SQL stands in `rentals/sql`, a file a view, where it can be read and run by itself. A file that a migration names never
changes: an edit is a new file with the next version, and a migration that drops the view and runs it. So this one
creates tomorrow what it creates today, without a second copy of each statement.
"""

from pathlib import Path

import django.db.models.functions.datetime
from django.db import migrations, models

SQL = Path(__file__).parents[1] / "sql"
VIEWS = (
    "mv_dashboard_kpis",
    "mv_revenue_trends",
    "mv_booking_trends",
    "mv_equipment_utilization",
    "mv_customer_cohorts",
    "mv_support_sla",
    "mv_financial_summary",
    "mv_alert_candidates",
)


def installs(path, undo):
    return migrations.RunSQL((SQL / path).read_text(), undo)


class Migration(migrations.Migration):

    dependencies = [
        ('rentals', '0003_every_table'),
    ]

    operations = [
        migrations.CreateModel(
            name='ViewRefreshRequest',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('view_name', models.TextField()),
                ('requested_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('source_table', models.TextField()),
            ],
            options={
                'verbose_name': 'request for a refresh',
                'verbose_name_plural': 'requests for a refresh',
                'db_table': 'view_refresh_requests',
                'ordering': ['-requested_at', '-id'],
                'indexes': [models.Index(fields=['view_name', '-requested_at'], name='view_refresh_requests_pending')],
            },
        ),
        migrations.CreateModel(
            name='ViewState',
            fields=[
                ('view_name', models.TextField(primary_key=True, serialize=False)),
                ('refreshed_at', models.DateTimeField(blank=True, null=True)),
                ('moment', models.DateTimeField(blank=True, help_text='The «now» it was computed for', null=True)),
                ('duration', models.DurationField(blank=True, null=True)),
                ('error_message', models.TextField(blank=True, default='')),
                ('error_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name': 'materialized view',
                'verbose_name_plural': 'materialized views',
                'db_table': 'materialized_views',
                'ordering': ['view_name'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('duration__isnull', True), ('moment__isnull', True), ('refreshed_at__isnull', True)), models.Q(('duration__isnull', False), ('moment__isnull', False), ('refreshed_at__isnull', False)), _connector='OR'), name='materialized_views_refreshed'), models.CheckConstraint(condition=models.Q(models.Q(('error_at__isnull', True), ('error_message', '')), models.Q(('error_at__isnull', False), models.Q(('error_message', ''), _negated=True)), _connector='OR'), name='materialized_views_error')],
            },
        ),
        installs(
            "moment_v1.sql",
            """
            DROP VIEW receivable_changes;
            DROP FUNCTION rentals_currency(), rentals_today(), rentals_zone(), rentals_now();
            """,
        ),
        *(installs(f"views/{view}_v1.sql", f"DROP MATERIALIZED VIEW {view}") for view in VIEWS),
        installs(
            "requests_v1.sql",
            """
            DROP TRIGGER bookings_request_views ON bookings;
            DROP TRIGGER payments_request_views ON payments;
            DROP TRIGGER support_tickets_request_views ON support_tickets;
            DROP TRIGGER insurance_documents_request_views ON insurance_documents;
            DROP FUNCTION request_view_refresh();
            """,
        ),
    ]
