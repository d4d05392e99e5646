"""Whom and what the benchmarks send: in, how many customers and a seed; out, their ids, a published template, requests.

The customers come from the sample business, with what they allowed and forbade: about two in a hundred e-mails are
withheld, by an answer that the gate finds among many.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping

from django.db import connection, transaction
from django.utils import timezone

from benchmarks.stage import nobody_drains
from consent.preferences import record_many
from notifications.enqueue import notify_many
from notifications.message import EnqueueResult, NotifyRequest
from rentals.sample.consents import consent_changes
from rentals.sample.load import load
from rentals.sample.plan import Plan
from templates_app.drafts import save_draft
from templates_app.lookup import compiled, published
from templates_app.models import NotificationTemplate, TemplatePartial
from templates_app.placeholders import Placeholder
from templates_app.publish import publish

TEMPLATE = "benchmark.pickup"
CHANNEL = "email"
PAYLOAD: Mapping[str, str] = {
    "booking_number": "B-2026-0412",
    "equipment": "CAT 320 excavator",
    "start_date": "2026-11-24",
    "booking_url": "https://rental.example/bookings/B-2026-0412",
}
_TYPES = {"start_date": "date", "booking_url": "url"}

# Rendered, subject, text and HTML have about 3,000 characters: the size of an e-mail without pictures or style sheet.
_CELL = 'style="padding: 10px 0; border-bottom: 1px solid #dfe3dc; font-size: 16px; line-height: 24px"'
_LINE = 'style="margin: 0 0 16px; font-size: 16px; line-height: 26px; color: #20282e"'
_FACTS = "\n".join(
    f'<tr><th scope="row" {_CELL}>{label}</th><td {_CELL}>{{{{{name}}}}}</td></tr>'
    for label, name in (("Pickup", "start_date"), ("Equipment", "equipment"), ("Booking", "booking_number"))
)
_TEXT = """Hello{{#recipient.first_name}} {{recipient.first_name}}{{/recipient.first_name}},

Your {{equipment}} is ready for pickup on {{start_date}}. Please bring photo ID, your booking number
{{booking_number}}, and a truck and trailer rated for the load, if you haul it yourself.

Our yard is open from 7:00 to 17:00 on working days, and from 8:00 to noon on Saturdays.
Directions and your rental agreement: {{booking_url}}

Plans changed? Tell us before you leave, and we find another time.
"""
_HTML = f"""<h1>Your machine is ready</h1>
<p {_LINE}>Hello{{{{#recipient.first_name}}}} {{{{recipient.first_name}}}}{{{{/recipient.first_name}}}},</p>
<p {_LINE}>Your {{{{equipment}}}} is ready for pickup. Please bring photo ID, your booking number, and a truck and
trailer rated for the load, if you haul it yourself.</p>
<table style="width: 100%; border-collapse: collapse">{_FACTS}</table>
<p {_LINE}><a href="{{{{booking_url}}}}">Directions and your rental agreement</a></p>
<p {_LINE}>Our yard is open from 7:00 to 17:00 on working days, and from 8:00 to noon on Saturdays.</p>
<p {_LINE}>Plans changed? Tell us before you leave, and we find another time.</p>
"""
_LAYOUT = {
    "layout/email": """<!doctype html>
<html lang="{{system.locale}}"><head><meta charset="utf-8"><title>{{system.company_name}}</title></head>
<body style="margin: 0; padding: 24px 12px; background-color: #eef0ec; font-family: Arial, sans-serif">
<main style="max-width: 600px; margin: 0 auto; padding: 32px; background-color: #ffffff">{{> body}}</main>
<footer style="padding: 22px 4px; font-size: 13px; line-height: 20px; color: #56616a">
<p>{{system.company_name}}, {{system.postal_address}}</p>
{{#system.unsubscribe_url}}<p><a href="{{system.unsubscribe_url}}">No more reminders by e-mail</a></p>
{{/system.unsubscribe_url}}</footer>
</body></html>
""",
    "layout/email_text": """{{> body}}

--
{{system.company_name}}, {{system.postal_address}}
{{#system.unsubscribe_url}}
No more reminders by e-mail: {{system.unsubscribe_url}}
{{/system.unsubscribe_url}}
""",
}


def seed(*, customers: int, seed: int) -> list[str]:
    """Fill an empty database; answers the customers' ids."""
    plan = Plan(at=timezone.now(), customers=customers, bookings=0, seed=seed, audit_events=0)
    with transaction.atomic():
        load(plan, replace=False, advance=int)
        record_many(consent_changes(plan))
        _publish()
    with connection.cursor() as cursor:
        # Without fresh statistics the planner takes the tables for empty.
        cursor.execute("ANALYZE customers, customer_consent, consent_events")
    prefix = plan.ids("customers")
    return [f"{prefix}{number:012x}" for number in range(customers)]


def requests(
    customers: Iterable[str], *, template: str = TEMPLATE, payload: Mapping[str, str] = PAYLOAD
) -> Iterator[NotifyRequest]:
    """One message a customer (a reminder, unless another template is given), with a key as the jobs give them one."""
    for number, customer in enumerate(customers):
        yield NotifyRequest(
            template=template,
            to=customer,
            channel=CHANNEL,
            payload=payload,
            idempotency_key=f"{template}:{number}",
        )


def fill_queue(wanted: Iterable[NotifyRequest]) -> EnqueueResult:
    """Empty the queue, then put these into it, as if they had lain there for a while."""
    empty_queue()
    with nobody_drains():
        result = notify_many(wanted)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) notification_queue")
    return result


def empty_queue() -> None:
    """As if nothing had ever been sent: every run finds tables and indexes of the same size."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE notification_queue, notification_history, delivery_attempts, unsubscribe_tokens, django_q_ormq CASCADE"
        )
        cursor.execute("UPDATE drain_signal SET asked_at = NULL")


def rendered(template: str) -> dict[str, str]:
    """The parts of one such e-mail, for a sender that renders nothing."""
    found = published([template])[template]
    version = found.version_id
    url = f"http://127.0.0.1:8000/u/{uuid.UUID(int=0).hex:0>43}"
    context = {
        **{placeholder.name: placeholder.sample for placeholder in found.placeholders},
        "recipient": {"first_name": "Marie"},
        "system": {
            "company_name": "Fundy Equipment Rental",
            "postal_address": "120 Main Street, Moncton NB E1C 1B7, Canada",
            "unsubscribe_url": url,
        },
    }
    _, parts = compiled(version).render(channel=CHANNEL, locale="en", context=context)
    return parts


def _publish() -> None:
    TemplatePartial.objects.bulk_create(TemplatePartial(name=n, text=t) for n, t in _LAYOUT.items())
    template = NotificationTemplate.objects.create(name=TEMPLATE, category="reminder")
    words = {"subject": "Pick up your {{equipment}}", "text": _TEXT, "html": _HTML}
    placeholders = [
        Placeholder(name=name, type=_TYPES.get(name, "text"), sample=sample)
        for name, sample in PAYLOAD.items()
    ]
    publish(save_draft(template=template, source={"en": {CHANNEL: words}}, placeholders=placeholders))
