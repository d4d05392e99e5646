"""Canaries: in, the sample business; out, a mark of its own in every field that says something of a person, and what found its way out.

Every column of every installed app that can hold words stands in PERSONAL, in WORDS or in PLAIN: a new one that nobody has thought
about fails `test_every_text_field_is_judged`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.db import connection, models

MARK = "zqcanary"
PREFIX = "+1867334"  # Yukon: no number of the sample business or of a provider begins like this

# What says something of a person, and the canary it gets; {n} numbers the rows, {c} is the row's customer or owner.
PERSONAL: Mapping[str, Mapping[str, str]] = {
    "auth.User": {
        "first_name": "Zqcanarystafffirst{n}",
        "last_name": "Zqcanarystafflast{n}",
        "email": "zqcanarystaff{n}@example.com",
    },
    "rentals.Customer": {
        "first_name": "Zqcanaryfirst{n}",
        "last_name": "Zqcanarylast{n}",
        "email": "zqcanary{n}@example.com",
        "phone": PREFIX + "{n:0>4}",
        "company_name": "Zqcanary Company {n} Inc.",
        "city": "Zqcanarycity{n}",
        "stripe_customer_id": "cus_zqcanary{n}",
    },
    "rentals.Booking": {"delivery_address": "{n} Zqcanarydelivery Street"},
    "rentals.LogisticsTask": {"address": "{n} Zqcanarytask Street"},
    "rentals.ContractSigner": {
        "signer_name": "Zqcanarysigner{n} Zqcanaryname",
        "signer_email": "zqcanarysigner{n}@example.com",
    },
    "rentals.SupportTicket": {"subject": "Zqcanarysubject{n} wrote"},
    "rentals.MaintenanceLog": {"notes": "Zqcanarynotes{n}", "technician": "Zqcanarytechnician{n}"},
    "rentals.AuditEvent": {"user_agent": "Zqcanaryagent{n}"},
}
# Our own columns that hold people's words or addresses by their purpose: encrypted, or the text itself.
WORDS: Mapping[str, frozenset[str]] = {
    "notifications.Notification": frozenset({"to", "subject", "payload", "metadata"}),
    "notifications.InboxItem": frozenset({"title", "message", "action_url", "cta_label"}),
    "notifications.PushSubscription": frozenset({"sealed"}),
    "config.SecondFactor": frozenset({"sealed"}),
}
# Ids, codes, our own words, and free text of which a form or a rule keeps addresses out.
PLAIN: Mapping[str, frozenset[str]] = {
    "admin.LogEntry": frozenset({"object_id", "object_repr", "change_message"}),
    "auth.Group": frozenset({"name"}),
    "auth.Permission": frozenset({"name", "codename"}),
    "auth.User": frozenset({"username", "password"}),
    # A keyed hash; hashes of codes.
    "config.RequestCount": frozenset({"digest"}),
    "config.SecondFactor": frozenset({"recovery"}),
    "config.StaffPreference": frozenset({"time_zone"}),
    "consent.*": frozenset({"*"}),
    "contenttypes.*": frozenset({"*"}),
    # Arguments and results are looked at one by one, unpacked (`tasks` of the test).
    "django_q.*": frozenset({"*"}),
    # Who is signed in, by id; unpacked by the test.
    "sessions.Session": frozenset({"session_key", "session_data"}),
    "jobs.*": frozenset({"*"}),
    "templates_app.*": frozenset({"*"}),
    "notifications.ApiRequest": frozenset({"*"}),
    "notifications.DeliveryAttempt": frozenset({"*"}),
    "notifications.ProviderEvent": frozenset({"*"}),
    # Ids, keyed hashes in a filter, and reasons, of which a form keeps addresses out.
    "notifications.BulkAct": frozenset({"*"}),
    "notifications.BulkActRow": frozenset({"*"}),
    "notifications.ChannelState": frozenset({"*"}),
    "notifications.ChannelEvent": frozenset({"*"}),
    "notifications.ServiceToken": frozenset({"*"}),
    "notifications.DataRequest": frozenset({"*"}),
    "notifications.NotificationHistory": frozenset({"*"}),
    "notifications.MetricCounter": frozenset({"*"}),
    "notifications.SendingDay": frozenset({"*"}),
    "notifications.CategoryStop": frozenset({"*"}),
    # Names of channels, providers, rules and codes.
    "notifications.Traffic": frozenset({"*"}),
    "notifications.Notification": frozenset({"error", "idempotency_key", "recipient_key"}),
    "notifications.InboxItem": frozenset({"user_id"}),
    "notifications.PushSubscription": frozenset({"recipient_key", "endpoint_sha256", "endpoint_origin"}),
    "rentals.Alert": frozenset({"*"}),
    "rentals.SecurityIncident": frozenset({"*"}),
    "rentals.ContractEvent": frozenset({"*"}),
    "rentals.InsuranceActivity": frozenset({"*"}),
    "rentals.InsuranceDocument": frozenset({"*"}),
    "rentals.PayoutReconciliation": frozenset({"*"}),
    "rentals.AuditEvent": frozenset(
        {
            "event_type", "actor_id", "actor_role", "resource_type", "resource_id", "action", "metadata", "ip_address",
            "session_id",
        }
    ),
    "rentals.Booking": frozenset({"booking_number", "currency"}),
    "rentals.Customer": frozenset({"timezone", "province"}),
    "rentals.CustomerSegment": frozenset({"*"}),
    "rentals.CustomerTag": frozenset({"*"}),
    "rentals.Contract": frozenset({"contract_number"}),
    "rentals.Equipment": frozenset({"*"}),
    "rentals.MaintenanceAlert": frozenset({"fault_code"}),
    "rentals.Payment": frozenset({"*"}),
    "rentals.PromoRule": frozenset({"name"}),
    "rentals.SupportTicket": frozenset({"ticket_number"}),
    "rentals.TelematicsSnapshot": frozenset({"fault_codes"}),
    "rentals.ViewRefreshRequest": frozenset({"*"}),
    "rentals.ViewState": frozenset({"*"}),
}  # fmt: skip
# Whatever else a column is, it may hold words.
WORDLESS = (
    models.BooleanField, models.IntegerField, models.DecimalField, models.FloatField, models.DateField, models.TimeField,
    models.DurationField, models.UUIDField, models.AutoField, models.ForeignKey,
)  # fmt: skip
# For exceptions: a traceback shows the line that raises, so it must not hold the canary itself.
ROW = ("Zqcanaryrow", "zqcanaryrow@example.com", PREFIX + "0001")
DETAIL = f"no answer for {ROW!r}\nDETAIL:  Failing row contains {', '.join(ROW)}."
_FOUND = re.compile(rf"\w*{MARK}\w*|\+?1?[\s(.-]*867[\s).-]*334[\s.-]*\d{{4}}", re.IGNORECASE)


def found_in(text: object) -> list[str]:
    """The canaries in a text, each once."""
    return sorted(set(_FOUND.findall(str(text))))


def unjudged() -> list[str]:
    """The text columns that stand in none of the three tables."""
    return [f"{label}.{field}" for label, field in text_fields() if not _is_judged(label, field)]


def text_fields() -> Iterator[tuple[str, str]]:
    for model in apps.get_models(include_auto_created=True):
        for field in () if model._meta.proxy else model._meta.concrete_fields:
            if not isinstance(field, WORDLESS) and not field.choices:
                yield model._meta.label, field.name


def plant() -> dict[str, int]:
    """Write the canaries over the sample business; answers how many rows got one by model."""
    planted = {}
    for label, fields in PERSONAL.items():
        model = apps.get_model(label)
        rows = list(model._default_manager.order_by("pk"))
        for number, row in enumerate(rows):
            for name, canary in fields.items():
                # A customer without a phone stays without: they are a case of their own.
                if getattr(row, name) not in ("", None):
                    setattr(row, name, canary.format(n=number))
        model._default_manager.bulk_update(rows, list(fields), batch_size=500)
        planted[label] = len(rows)
    return planted


def stored() -> Iterator[tuple[str, str]]:
    """Every column of every table that is neither PERSONAL nor WORDS, as one text: (table.column, text)."""
    allowed = {
        _column(label, name)
        for tables in (PERSONAL, WORDS)
        for label, names in tables.items()
        for name in names
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() "
            "AND table_name IN (SELECT tablename FROM pg_tables WHERE schemaname = current_schema())"
        )
        for table, column in cursor.fetchall():
            if f"{table}.{column}" in allowed:
                continue
            cursor.execute(f'SELECT string_agg("{column}"::text, chr(10)) FROM "{table}"')
            yield f"{table}.{column}", str(cursor.fetchone()[0] or "")


def _is_judged(label: str, field: str) -> bool:
    plain: Any = PLAIN.get(label, frozenset()) | PLAIN.get(f"{label.split('.')[0]}.*", frozenset())
    return field in plain or "*" in plain or field in PERSONAL.get(label, {}) or field in WORDS.get(label, ())


def _column(label: str, name: str) -> str:
    options = apps.get_model(label)._meta
    return f"{options.db_table}.{options.get_field(name).column}"
