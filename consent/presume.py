"""The usual case in advance: in, subjects; out, the Decision that holds unless somebody has said no, and the SQL that finds a no.

Most people have switched nothing off and have a living address. So a statement that acts (an INSERT) can ask in passing,
and only where it finds an objection is the question asked by itself (`gate.check_many`).
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from consent.gate import Subject
from consent.policy import Category, Decision, decide

# About one subject. More than what would change the decision: any suppression in force, whatever its scope. Two look-ups
# by unique keys (customer_consent_key and suppressions_one_in_force), for single values: PostgreSQL would plan anew each
# time for lists, whose length it counts.
OBJECTION = """
SELECT 1 FROM customer_consent WHERE customer_id = %s AND channel = %s AND category = %s AND NOT enabled
UNION ALL
SELECT 1 FROM suppressions
WHERE address_hmac = %s AND channel = %s AND lifted_at IS NULL AND (expires_at IS NULL OR expires_at > %s)
"""


@dataclass(frozen=True, slots=True)
class Presumed(Decision):
    """Allowed, unless there is an objection to this subject."""

    subject: Subject = field(kw_only=True)


def presume(subject: Subject) -> Presumed | None:
    """What holds for most; None where nothing is allowed without a look. Raises ValueError for an unknown category."""
    found = decide(channel=subject.channel, category=Category(subject.category), enabled=None)
    return Presumed(True, found.rule, found.reason, subject=subject) if found.allowed else None


def objections(count: int) -> str:
    """OBJECTION for so many subjects."""
    return "UNION ALL".join([OBJECTION] * count)


def objection_arguments(subjects: Sequence[Subject], *, now: dt.datetime) -> list[Any]:
    """What `objections` asks about them. In-app has neither a row of consent nor an address, and so no objection."""
    return [
        value
        for subject in subjects
        for value in (
            subject.customer_id,
            subject.channel,
            subject.category,
            subject.address_hmac,
            subject.channel,
            now,
        )
    ]
