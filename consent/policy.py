"""May we contact this person, on this channel, for this purpose? In: category, grants, suppressions; out: a Decision.

Pure: no database, no clock. The rule: security and transactional need no consent, reminder is allowed until
revoked, marketing only after an explicit grant. A suppressed address is dead for what its scope covers.
In-app needs no consent: it waits in the person's own account until they look, and reaches out to nobody.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Category(StrEnum):
    """What a message is for; it decides consent, retry limit and unsubscribe headers."""

    SECURITY = "security"
    TRANSACTIONAL = "transactional"
    REMINDER = "reminder"
    MARKETING = "marketing"


class Requires(StrEnum):
    NOTHING = "nothing"
    NO_REVOCATION = "no_revocation"
    GRANT = "grant"


REQUIRES: Mapping[Category, Requires] = {
    Category.SECURITY: Requires.NOTHING,
    Category.TRANSACTIONAL: Requires.NOTHING,
    Category.REMINDER: Requires.NO_REVOCATION,
    Category.MARKETING: Requires.GRANT,
}
# Categories a person can leave: their e-mails carry List-Unsubscribe, their preferences have a switch.
OPTIONAL: frozenset[Category] = frozenset(c for c, rule in REQUIRES.items() if rule is not Requires.NOTHING)
# Channels without a row in `customer_consent`, because nothing is sent to the person.
NEEDS_NO_CONSENT: frozenset[str] = frozenset({"inapp"})


class Scope(StrEnum):
    """How much of a suppressed address is dead."""

    ALL = "all"
    OPTIONAL = "optional"  # what a person can leave
    MARKETING = "marketing"


# The categories that each scope stops, the widest scope first.
COVERS: Mapping[Scope, frozenset[Category]] = {
    Scope.ALL: frozenset(Category),
    Scope.OPTIONAL: OPTIONAL,
    Scope.MARKETING: frozenset({Category.MARKETING}),
}


class InForce(NamedTuple):
    """A suppression of an address that is in force: how much of it is dead, why, and which row says so."""

    scope: Scope
    why: str
    id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """May it be sent, and by which rule. `rule` is stable (stored, counted); `reason` is a sentence for operators.

    The ids name what it rests on, where it rests on a row: the event of the ledger that says what the customer decided
    (and which wording they read), or the suppression of the address.
    """

    allowed: bool
    rule: str
    reason: str
    consent_event_id: uuid.UUID | None = None
    suppression_id: uuid.UUID | None = None


def can_leave(*, channel: str, category: str) -> bool:
    """Is this something a person can switch off?"""
    return channel not in NEEDS_NO_CONSENT and category in OPTIONAL


def permits(*, category: Category, enabled: bool | None) -> bool:
    """What the consent alone says, as a switch shows it: `enabled` None (never said) follows the category's rule."""
    return decide(category=category, enabled=enabled).allowed


def decide(
    *,
    category: Category,
    enabled: bool | None,
    suppressions: Iterable[InForce] = (),
    channel: str = "",
    event_id: uuid.UUID | None = None,
) -> Decision:
    """Decide for one person, channel and category.

    `enabled` is the state of `customer_consent`: True granted, False revoked, None never said; `event_id` is the event that
    it follows from. `suppressions` are those in force for the address, oldest first.
    """
    if channel in NEEDS_NO_CONSENT:
        return Decision(True, "consent.not_needed", "In-app messages need no consent.")
    for scope, why, id_ in suppressions:
        if category in COVERS[scope]:
            reason = f"The address is suppressed ({why.replace('_', ' ')})."
            return Decision(False, f"suppressed.{why}", reason, suppression_id=id_)
    match REQUIRES[category]:
        case Requires.NOTHING:
            return Decision(True, "consent.not_needed", f"{category.capitalize()} messages need no consent.")
        case Requires.NO_REVOCATION | Requires.GRANT if enabled is False:
            reason = f"The customer switched {category} messages off here."
            return Decision(False, "consent.revoked", reason, event_id)
        case Requires.NO_REVOCATION:
            reason = f"{category.capitalize()} messages were not switched off."
            return Decision(True, "consent.not_revoked", reason, event_id)
        case Requires.GRANT if enabled:
            reason = f"The customer agreed to {category} messages here."
            return Decision(True, "consent.granted", reason, event_id)
        case _:
            reason = f"The customer never agreed to {category} messages here."
            return Decision(False, "consent.missing", reason)
