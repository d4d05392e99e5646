"""What we do after each attempt: in, a row and its attempts, oldest first; out, a sentence for each."""

import datetime as dt
from collections.abc import Sequence
from itertools import zip_longest

from django.utils.translation import gettext as _

from notifications.channels.meanings import row_of
from notifications.conf import conf
from notifications.models import DeliveryAttempt, Notification
from notifications.story_words import minute, span

Outcome = DeliveryAttempt.Outcome


def next_steps(row: Notification, attempts: Sequence[DeliveryAttempt]) -> list[str]:
    """What followed, and after the last one what follows. No query."""
    replays = [
        dt.datetime.fromisoformat(entry["at"])
        for entry in row.metadata.get("history", [])
        if entry["what"] == "replayed"
    ]
    return [
        _followed(attempt, after, replays) or _last(row, attempt)
        for attempt, after in zip_longest(attempts, attempts[1:])
    ]


def limit_of(row: Notification) -> int:
    """How often it is tried in all."""
    return conf().retry_policy(row.category).limit


def _followed(attempt: DeliveryAttempt, after: DeliveryAttempt | None, replays: Sequence[dt.datetime]) -> str:
    if attempt.outcome == Outcome.SENT:
        return _("Nothing more to do: the provider took it.")
    for at in replays:
        if at >= attempt.finished_at and (after is None or at <= after.started_at):
            return _("We gave up; a person replayed it at %(at)s.") % {"at": minute(at)}
    if after is None:
        return ""
    return _("Tried again %(wait)s later.") % {"wait": span(after.started_at - attempt.finished_at)}


def _last(row: Notification, attempt: DeliveryAttempt) -> str:
    match row.status:
        case "queued" if attempt.outcome == Outcome.MISCONFIGURED:
            return _("It waits for the channel to be mended; this try does not count.")
        case "queued":
            values = {"at": minute(row.scheduled_at), "n": row.attempts + 1, "limit": limit_of(row)}
            return _("Next try at %(at)s: attempt %(n)s of %(limit)s.") % values
        case "processing":
            return _("It is being tried again right now.")
        case "sent":
            return _("It was settled later: it was sent.")
        case "cancelled" if row.metadata["withheld"]["rule"] == "expired":
            return _("We gave up: the next try would come after it expires.")
        case "cancelled":
            return _("It was withheld before the next try.")
    return _gave_up(row, attempt)


def _gave_up(row: Notification, attempt: DeliveryAttempt) -> str:
    match attempt.outcome:
        case Outcome.UNKNOWN:
            return _("Not sent again by itself: it may have arrived. A report settles it, or a person.")
        case Outcome.PERMANENT:
            known = row_of(provider=attempt.provider, code=attempt.provider_code)
            if known is not None and known.address_dead:
                return _("We gave up: it would be refused again. The address is suppressed.")
            return _("We gave up: it would be refused again.")
    return _("We gave up: that was attempt %(n)s of %(limit)s.") % {"n": row.attempts, "limit": limit_of(row)}
