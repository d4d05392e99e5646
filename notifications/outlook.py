"""What becomes of a message from here on: in, its row; out, one sentence, as the last line of its story."""

import datetime as dt

from django.utils import timezone
from django.utils.translation import gettext as _

from notifications.channel_state import state_of
from notifications.models import Notification
from notifications.reasons import reason_text
from notifications.story_words import clock, error_in_a_sentence, error_words, feedback_word


def outlook(row: Notification) -> str:
    """Where it stands now. A query for one that is due and waits: what keeps its channel."""
    text = _standing(row)
    if row.kept:
        past = _("In the history since %(at)s: its recipient and its text are gone.")
        text = f"{text} {past % {'at': clock(row.kept.moved_at)}}"
    return text


def what_it_waits_for(channel: str) -> str:
    """It is due, so something keeps the whole channel, or it is a matter of its turn."""
    stops = state_of(channel).stops
    if not stops:
        return _("It is due: a worker takes it in its turn.")
    stop = stops[0]
    if stop.until is None:
        text = _("It is due, but the channel is stopped by %(by)s until somebody resumes it: %(reason)s")
        return text % {"by": stop.by, "reason": stop.reason}
    text = _("It is due, but the channel is stopped by %(by)s until %(until)s: %(reason)s")
    return text % {"by": stop.by, "until": clock(stop.until), "reason": stop.reason}


def _standing(row: Notification) -> str:
    error = error_words(row.error or "")
    match row.status:
        case "queued":
            return _waiting(row, error)
        case "processing":
            return _("A worker has it right now.")
        case "sent":
            return _sent(row)
        case "failed" if row.metadata.get("outcome_unknown"):
            text = _(
                "Nobody knows whether it arrived: %(error)s. A report of the provider settles it, or a person."
            )
            return text % {"error": error_in_a_sentence(row.error or "").rstrip(".")}
        case "failed":
            text = _("Failed for good: %(error)s.") % {"error": error}
            return text if row.kept else f"{text} {_('It waits for a person (replay).')}"
        case _:
            withheld = row.metadata["withheld"]
            return _("Not sent: %(reason)s") % {"reason": reason_text(withheld["rule"], withheld["reason"])}


def _waiting(row: Notification, error: str) -> str:
    values = {"at": clock(row.scheduled_at), "error": error}
    text = (_("Waits for %(at)s after: %(error)s") if error else _("Waits for %(at)s")) % values
    if row.scheduled_at > timezone.now():
        return text
    return f"{text}. {what_it_waits_for(row.channel)}"


def _sent(row: Notification) -> str:
    values = {"at": clock(dt.datetime.fromisoformat(row.metadata["sent_at"]))}
    if row.feedback is None or row.feedback_at is None:
        return _("Sent: the provider accepted it at %(at)s.") % values
    text = _("Sent: the provider accepted it at %(at)s, and reports it %(feedback)s at %(then)s.")
    return text % {**values, "feedback": feedback_word(row.feedback), "then": clock(row.feedback_at)}
