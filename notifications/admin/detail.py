"""All that is known about one message, without a word of its text: in, a row; out, what its page shows."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from notifications.admin.acts import ACTS, Act
from notifications.admin.cells import (
    NOTHING,
    feedback_badge,
    latency,
    moment,
    outcome_badge,
    short,
    status_badge,
)
from notifications.history import as_notification, find
from notifications.masking import masked_recipient
from notifications.models import DeliveryAttempt, Notification, NotificationHistory, Priority
from notifications.story import StoryEvent, story
from notifications.why import GateAnswer, why

MOST_CHILDREN = 20


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One try: `answer` is what the provider said, or its reference."""

    number: int
    started: SafeString
    provider: str
    outcome: SafeString
    latency: str
    wait: str
    answer: str


@dataclass(frozen=True, slots=True)
class MessagePage:
    """The detail page: facts in pairs, the gates' answers, the story, the attempts in rows, relatives, and what may be done."""

    facts: Sequence[tuple[str, object]]
    answers: Sequence[GateAnswer]
    story: Sequence[StoryEvent]
    attempts: Sequence[AttemptRow]
    children: Sequence[Notification]
    template_url: str
    acts: Sequence[Act]
    may_read: bool
    may_reveal: bool


def load(pk: uuid.UUID) -> Notification | None:
    """The row with what its page needs, from the queue or the history."""
    return find(pk)


def message_page(row: Notification, user: AbstractBaseUser | AnonymousUser) -> MessagePage:
    has: Callable[[str], bool] = getattr(user, "has_perm", lambda _perm: False)
    answers = why(row)
    return MessagePage(
        facts=_facts(row),
        answers=answers,
        story=story(row, answers),
        attempts=[_attempt(attempt) for attempt in row.tries()],
        children=_children(row.pk),
        template_url=_template_url(row),
        acts=[act for act in ACTS.values() if not row.kept and row.status in act.takes and act.allowed(user)],
        may_read=not row.kept and has("notifications.view_notification_body"),
        may_reveal=not row.kept and has("notifications.reveal_notification"),
    )


def _children(pk: uuid.UUID) -> list[Notification]:
    """What was sent again from it, newest first."""
    live = Notification.objects.filter(parent_id=pk).order_by("-created_at")[:MOST_CHILDREN]
    past = NotificationHistory.objects.filter(parent_id=pk).order_by("-created_at")[:MOST_CHILDREN]
    found = {row.pk: row for row in (*map(as_notification, past), *live)}
    return sorted(found.values(), key=lambda row: row.created_at, reverse=True)[:MOST_CHILDREN]


def _facts(row: Notification) -> list[tuple[str, object]]:
    names = ", ".join(sorted(row.payload))
    return [
        (_("Status"), status_badge(row)),
        (_("By the provider"), _feedback(row)),
        (_("Channel"), row.get_channel_display()),
        (_("Recipient"), masked_recipient(row.to)),
        (_("Category"), row.get_category_display()),
        (_("Priority"), Priority(row.priority).label),
        (_("Attempts"), row.attempts),
        (_("Asked for"), moment(row.created_at)),
        (_("Due"), moment(row.scheduled_at)),
        (_("Last attempt"), moment(row.last_attempt_at)),
        (_("Expires"), moment(row.expires_at)),
        (_("Idempotency key"), short(row.idempotency_key or "", 80)),
        (_("Provider reference"), short(str(row.metadata.get("provider_reference", "")), 80)),
        (_("Payload"), short(names, 120)),
        (_("Id"), row.pk),
        *([(_("In the history since"), moment(row.in_history_since))] if row.kept else ()),
    ]


def _feedback(row: Notification) -> SafeString:
    if row.feedback is None:
        return format_html("{}", NOTHING)
    return format_html("{} {}", feedback_badge(row.feedback), moment(row.feedback_at))


def _attempt(attempt: DeliveryAttempt) -> AttemptRow:
    wait = attempt.retry_after
    said = " ".join(filter(None, (attempt.provider_code, attempt.error)))
    return AttemptRow(
        number=attempt.number,
        started=moment(attempt.started_at),
        provider=attempt.provider,
        outcome=outcome_badge(attempt),
        latency=latency(attempt),
        wait=f"{wait.total_seconds():.0f} s" if wait is not None else NOTHING,
        answer=said or attempt.provider_reference,
    )


def _template_url(row: Notification) -> str:
    """The page of the pinned version, else of the template; empty where the host shows neither."""
    for model, pk in (
        ("notificationtemplateversion", row.template_version_id),
        ("notificationtemplate", row.template_id),
    ):
        if pk is None:
            continue
        try:
            return reverse(f"admin:templates_app_{model}_change", args=[pk])
        except NoReverseMatch:
            continue
    return ""
