"""Small pieces of a page: in, a row or a moment; out, the safe HTML of a badge, a time, a shortened text."""

import datetime as dt
from collections.abc import Mapping

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from notifications.models import DeliveryAttempt, Feedback, Notification
from notifications.reasons import reason_text
from notifications.story_words import error_in_a_sentence, masked_word

_STATUS_TONE: Mapping[str, str] = {
    Notification.Status.QUEUED: "info",
    Notification.Status.PROCESSING: "warn",
    Notification.Status.SENT: "ok",
    Notification.Status.FAILED: "bad",
    Notification.Status.CANCELLED: "muted",
}
_OUTCOME_TONE: Mapping[str, str] = {
    DeliveryAttempt.Outcome.SENT: "ok",
    DeliveryAttempt.Outcome.TRANSIENT: "warn",
    DeliveryAttempt.Outcome.PERMANENT: "bad",
    DeliveryAttempt.Outcome.MISCONFIGURED: "bad",
    DeliveryAttempt.Outcome.UNKNOWN: "warn",
}
_FEEDBACK_TONE: Mapping[str, str] = {
    Feedback.DELIVERED: "ok",
    Feedback.OPENED: "ok",
    Feedback.CLICKED: "ok",
    Feedback.DEFERRED: "warn",
    Feedback.UNSUBSCRIBED: "warn",
    Feedback.DROPPED: "bad",
    Feedback.BOUNCED: "bad",
    Feedback.COMPLAINED: "bad",
}
NOTHING = "–"


def badge(text: object, tone: str) -> SafeString:
    """A coloured word: the word carries the meaning, the colour only helps. Tones: ok, info, warn, bad, muted."""
    return format_html('<span class="pr-badge pr-badge--{}">{}</span>', tone, text)


def status_badge(row: Notification) -> SafeString:
    """What the rules withheld and what a person stopped are both `cancelled`, and two things to an operator."""
    return badge(status_text(row), _STATUS_TONE[row.status])


def status_text(row: Notification) -> str:
    if row.status == Notification.Status.CANCELLED and withheld_rule(row) != "cancelled":
        return _("Withheld")
    return str(Notification.Status(row.status).label)


def feedback_badge(feedback: str | None) -> SafeString:
    """How far it got by its provider's word; empty where nothing was reported."""
    return (
        badge(Feedback(feedback).label, _FEEDBACK_TONE.get(feedback, "muted")) if feedback else SafeString()
    )


def outcome_badge(attempt: DeliveryAttempt) -> SafeString:
    return badge(DeliveryAttempt.Outcome(attempt.outcome).label, _OUTCOME_TONE[attempt.outcome])


def latency(attempt: DeliveryAttempt) -> str:
    """How long the provider took to answer."""
    return f"{(attempt.finished_at - attempt.started_at).total_seconds() * 1000:.0f} ms"


def withheld_rule(row: Notification) -> str:
    return str(row.metadata.get("withheld", {}).get("rule", ""))


def trouble(row: Notification) -> str:
    """Why it was not sent, or not yet; empty when nothing is wrong."""
    if row.status == Notification.Status.QUEUED and is_held(row):
        hold = row.metadata["held"]
        return reason_text(hold["rule"], hold["reason"])
    if row.status == Notification.Status.CANCELLED:
        return reason_text(withheld_rule(row), row.metadata.get("withheld", {}).get("reason", ""))
    return error_in_a_sentence(row.error or "")


def is_held(row: Notification) -> bool:
    """Is it still the hold of a gate that the row waits for, not a retry since?"""
    until = row.metadata.get("held", {}).get("until")
    return until is not None and dt.datetime.fromisoformat(until) == row.scheduled_at


def short(text: str, limit: int = 60) -> SafeString:
    """One line of a long text, the whole in its tooltip."""
    if not text:
        return format_html("{}", NOTHING)
    return format_html('<span class="pr-short" title="{}">{}</span>', text, Truncator(text).chars(limit))


def moment(at: dt.datetime | None) -> SafeString:
    """A time as the operator's clock shows it, to the minute; the second and the zone stand in its tooltip."""
    if at is None:
        return format_html("{}", NOTHING)
    local = timezone.localtime(at)
    return format_html(
        '<time class="pr-time" datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        date_format(local, "Y-m-d H:i:s T"),
        date_format(local, "Y-m-d H:i"),
    )


def recipient(masked: str) -> SafeString:
    """A person by kind and the end of the id, the whole in the tooltip; a masked address as it is."""
    kind, _space, known = masked.partition(" ")
    is_person = kind in ("customer", "staff") and len(known) > 8
    text = masked_word(f"{kind} …{known[-8:]}" if is_person else masked)
    return format_html('<span class="pr-time" title="{}">{}</span>', masked_word(masked), text)
