"""Who may be written to now? In: subjects; out: a Decision each, in order, by one query whatever their number.

Asked twice for each message, at enqueue and again at delivery: consent may have been withdrawn in between.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from consent.arrays import array
from consent.policy import NEEDS_NO_CONSENT, Category, Decision, InForce, Scope, decide
from consent.prepared import prepared_cursor

Key = tuple[str, str, str]
Said = tuple[bool | None, uuid.UUID | None]  # on, off or nothing, and the event that says so
_NOTHING: Said = (None, None)

# Asked for each message, twice, so written out: two look-ups by unique keys (customer_consent_key and
# suppressions_one_in_force), in one round trip.
FACTS = """
SELECT true, customer_id, channel, category, CASE WHEN enabled THEN 't' ELSE 'f' END, NULL::timestamptz, event_id
FROM customer_consent
WHERE customer_id = ANY(%s::text[]) AND channel = ANY(%s::text[]) AND category = ANY(%s::text[])
UNION ALL
SELECT false, address_hmac, channel, scope, reason, created_at, id
FROM suppressions
WHERE address_hmac = ANY(%s::text[]) AND lifted_at IS NULL AND (expires_at IS NULL OR expires_at > %s)
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """One message about to be written: to whom, on which channel, for what, and to which address.

    `customer_id` None is a staff member or an address of no record: nobody there ever agreed to anything, so
    reminders pass and marketing does not. `address_hmac` (`addresses.blind_index`) None means that there is no
    single address to be suppressed: in-app, and push, whose dead endpoints are deleted instead.
    """

    customer_id: str | None
    channel: str
    category: str
    address_hmac: str | None


def check_many(subjects: Sequence[Subject], *, now: dt.datetime) -> list[Decision]:
    """A Decision for each subject, in order, by one query. Raises ValueError for an unknown category."""
    said, suppressions = _facts(subjects, now)
    return [
        decide(
            channel=subject.channel,
            category=Category(subject.category),
            enabled=enabled,
            event_id=event_id,
            suppressions=suppressions.get((subject.address_hmac or "", subject.channel), ()),
        )
        for subject in subjects
        for enabled, event_id in (said.get(_key(subject), _NOTHING),)
    ]


def _facts(
    subjects: Iterable[Subject], now: dt.datetime
) -> tuple[dict[Key, Said], Mapping[tuple[str, str], list[InForce]]]:
    """What customers said, by (customer, channel, category), and the suppressions in force, oldest first."""
    asked = {
        _key(subject)
        for subject in subjects
        if subject.customer_id is not None and subject.channel not in NEEDS_NO_CONSENT
    }
    hashes = [subject.address_hmac for subject in subjects if subject.address_hmac is not None]
    said: dict[Key, Said] = {}
    suppressions: defaultdict[tuple[str, str], list[InForce]] = defaultdict(list)
    if not asked and not hashes:
        return said, suppressions
    customers, channels, categories = (
        (list(set(part)) for part in zip(*asked, strict=True)) if asked else ([], [], [])
    )
    with prepared_cursor() as cursor:
        cursor.execute(FACTS, [array(customers), array(channels), array(categories), array(hashes), now])
        rows = cursor.fetchall()
    for is_consent, who, channel, what, value, _, id_ in sorted(rows, key=lambda row: row[5] or now):
        if is_consent:
            said[who, channel, what] = (value == "t", id_)
        else:
            suppressions[who, channel].append(InForce(Scope(what), value, id_))
    return said, suppressions


def _key(subject: Subject) -> Key:
    return (subject.customer_id or "", subject.channel, subject.category)
