"""Texts of customers that nobody could take for a keyword: in, who read one and what came of it; out, a mark on it, and how many are open.

The mark stands in the event itself, and is made once: of two operators the second is told.
"""

import datetime as dt

from django.db import connection
from django.db.models import Q

from consent.understand import Meaning
from notifications.models import InboundText

# What a person made of it.
SWITCHED_OFF, SWITCHED_ON, ANSWERED, NOTHING = "switched_off", "switched_on", "answered", "nothing"
KINDS = (SWITCHED_OFF, SWITCHED_ON, ANSWERED, NOTHING)
# More of them are «more than».
CAP = 100
# As the index has it (provider_events_open_texts).
OPEN = Q(event_type="inbound", outcome=Meaning.UNCLEAR.value) & ~Q(detail__has_key="decided")

DECIDE = """
UPDATE provider_events SET detail = detail || jsonb_build_object('decided', jsonb_build_object(
    'what', %s::text, 'by', %s::text, 'at', %s::text, 'reason', %s::text))
WHERE id = %s AND event_type = 'inbound' AND outcome = %s AND NOT detail ? 'decided'
"""


def open_texts() -> int:
    """How many wait for a person, counted up to CAP + 1. Reads an index of them alone."""
    return int(InboundText.objects.filter(OPEN)[: CAP + 1].count())


def decide(event_id: int, *, what: str, by: str, reason: str, now: dt.datetime) -> bool:
    """Mark it as done. False, and nothing changed, if somebody was faster, or if it is no unclear text. Raises ValueError."""
    if what not in KINDS or not reason.strip():
        raise ValueError("A text is done by one of the known decisions, with a reason.")
    with connection.cursor() as cursor:
        cursor.execute(DECIDE, [what, by, now.isoformat(), reason.strip(), event_id, Meaning.UNCLEAR.value])
        return bool(cursor.rowcount)
