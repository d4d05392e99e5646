"""The answer in one sentence: in, a message and what its gates said; out, what became of it, and what happens now.

«Withheld: the customer revoked reminder messages by SMS on 2026-11-20 (web form).» The story tells how it came to that.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consent.models import Channel
from notifications.channel_state import Stop
from notifications.feedback import RANK
from notifications.models import Notification
from notifications.next_step import limit_of
from notifications.reasons import holes, reason_text
from notifications.story_words import error_in_a_sentence, feedback_word, minute, span
from notifications.why import GateAnswer
from notifications.withheld_words import withheld_words

# How a provider's report changes «sent», the good news first.
_ARRIVED = frozenset({"delivered", "opened", "clicked"})
_CAME_BACK = frozenset({"dropped", "bounced"})


@dataclass(frozen=True, slots=True)
class Headline:
    """`tone` is a badge's: ok, info, warn, bad, muted. `now` is what happens next, or that nothing does."""

    text: str
    tone: str
    now: str = ""


def headline(
    row: Notification, answers: Sequence[GateAnswer], *, stops: Sequence[Stop], means: str, now: dt.datetime
) -> Headline:
    """`stops` are those of its channel, `means` is what the code of its last attempt says. No query."""
    match row.status:
        case "queued":
            return _queued(row, stops, means, now)
        case "processing":
            values = {"n": row.attempts, "limit": limit_of(row)}
            return Headline(_("A worker has it right now: attempt %(n)s of %(limit)s.") % values, "info")
        case "sent":
            return _sent(row)
        case "failed":
            return _failed(row, means)
    answer = next((answer for answer in answers if answer.answer == "withheld"), None)
    is_cancelled = row.metadata["withheld"]["rule"] == "cancelled"
    never = "" if row.kept else _("It is never sent by itself. Sending it again asks the gates anew.")
    return Headline(_ended(withheld_words(row, answer)), "muted" if is_cancelled else "bad", never)


# ── Waiting ─────────────────────────────────────────────────────────────────────────────────────────────
def _queued(row: Notification, stops: Sequence[Stop], means: str, now: dt.datetime) -> Headline:
    if row.scheduled_at <= now:
        return _due(row, stops, now)
    at, held = minute(row.scheduled_at), row.metadata.get("held")
    if held and dt.datetime.fromisoformat(held["until"]) == row.scheduled_at:
        return _held(row, held)
    if row.error and row.attempts:
        values = {
            "at": at,
            "n": row.attempts + 1,
            "limit": limit_of(row),
            "error": error_in_a_sentence(row.error),
        }
        text = _("Attempt %(n)s of %(limit)s follows at %(at)s. The last one failed: %(error)s.")
        return Headline(_ended(text % values), "warn", means if means not in text % values else "")
    wait = span(row.scheduled_at - now)
    text = _("Waits for its time: it is due at %(at)s, in %(wait)s.") % {"at": at, "wait": wait}
    return Headline(text, "info", _("The gates are asked again just before it is sent."))


def _held(row: Notification, held: Mapping[str, str]) -> Headline:
    at, reason = minute(row.scheduled_at), reason_text(held["rule"], held["reason"])
    said = holes(held["rule"], held["reason"])
    if "zone" in said and "start" in said:
        values = {"start": said["start"], "zone": said["zone"].partition(",")[0], "at": at}
        text = _("Waits until %(start)s in the recipient's time zone (%(zone)s): %(at)s by your clock.")
        return Headline(text % values, "info", _("Quiet hours; then the gates are asked again."))
    return Headline(_("Held until %(at)s: %(reason)s") % {"at": at, "reason": reason}, "warn")


def _due(row: Notification, stops: Sequence[Stop], now: dt.datetime) -> Headline:
    channel = Channel(row.channel).label
    if not stops:
        text = _("Due for %(wait)s: a worker takes it in its turn.") % {"wait": span(now - row.scheduled_at)}
        return Headline(text, "info")
    stop = stops[0]
    values = {"channel": channel, "reason": stop.reason, "by": stop.by}
    if stop.until is None:
        text = _("Due, but the channel %(channel)s is stopped by %(by)s: %(reason)s") % values
        return Headline(_ended(text), "warn", _("It waits until somebody resumes the channel."))
    text = _("Due, but the channel %(channel)s is stopped by %(by)s: %(reason)s") % values
    return Headline(_ended(text), "warn", _("It waits until %(at)s.") % {"at": minute(stop.until)})


# ── Sent ────────────────────────────────────────────────────────────────────────────────────────────────
def _sent(row: Notification) -> Headline:
    at = dt.datetime.fromisoformat(row.metadata["sent_at"])
    values = {"at": minute(at)}
    last = (row.metadata.get("history") or [{}])[-1]
    if last.get("what") == "settled_as_sent" and row.feedback is None:
        text = _("Sent, as %(by)s found out: %(reason)s")
        return Headline(text % {"by": last["by"], "reason": last["reason"]}, "ok")
    if row.channel == Channel.INAPP:
        return Headline(_("Sent: it is in their inbox since %(at)s.") % values, "ok")
    if row.feedback is None or row.feedback_at is None:
        if row.channel == Channel.PUSH:
            text = _("Sent at %(at)s: the push service accepted it, and says no more than that.")
        else:
            text = _("Sent at %(at)s: the provider accepted it, and has not reported on it yet.")
        return Headline(text % values, "ok")
    values |= {"after": span(row.feedback_at - at), "feedback": feedback_word(row.feedback)}
    if row.feedback in _ARRIVED:
        # A provider's clock has no fractions, and may be behind ours.
        if row.feedback_at - at < dt.timedelta(seconds=1):
            return Headline(_("Sent; the provider confirmed delivery within a second."), "ok")
        return Headline(_("Sent; the provider confirmed delivery %(after)s later.") % values, "ok")
    if row.feedback in _CAME_BACK:
        text = _("Sent, but it did not arrive: the provider reported it %(feedback)s %(after)s later.")
        again = _("It is not sent again by itself. The story says what followed for the address.")
        return Headline(text % values, "bad", again)
    if RANK[row.feedback] < RANK["delivered"]:
        text = _("Sent; the provider has it (%(feedback)s) and has not confirmed delivery yet.")
        return Headline(text % values, "warn")
    text = _("Sent and delivered; %(after)s later the reader answered: %(feedback)s.")
    return Headline(text % values, "warn")


# ── Failed ──────────────────────────────────────────────────────────────────────────────────────────────
def _failed(row: Notification, means: str) -> Headline:
    error = error_in_a_sentence(row.error or "")
    if row.metadata.get("outcome_unknown"):
        text = _("Nobody knows whether it arrived: %(error)s.") % {"error": error}
        return Headline(_ended(text), "warn", _("A report of the provider settles it, or a person."))
    kind, _colon, said = error.partition(": ")
    if kind == "render":
        text = _("Failed before anything was sent: its text cannot be made. %(error)s") % {"error": said}
    elif row.attempts:
        n = row.attempts
        text = ngettext(
            "Failed after %(n)s attempt: %(error)s.", "Failed after %(n)s attempts: %(error)s.", n
        )
        text %= {"n": n, "error": error}
    else:
        text = _("Failed: %(error)s.") % {"error": error}
    after = (
        _("It is too old to be replayed: its recipient and its text are gone.")
        if row.kept
        else _("Nothing more will happen until somebody replays it.")
    )
    return Headline(_ended(text), "bad", f"{means} {after}".strip() if means not in text else after)


def _ended(text: str) -> str:
    """One full stop, where the words of a provider or a person bring their own."""
    return f"{text.rstrip('.')}." if text.endswith("..") else text
