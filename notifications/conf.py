"""Postroom's own settings: in, `settings.NOTIFICATIONS`; out, typed values, read at call time."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from consent.opt_in_defaults import DEFAULT, DEFAULT_WITHIN, SENDER
from consent.policy import Category
from notifications.breaker import BreakerPolicy
from notifications.complaint_policy import ComplaintPolicy
from notifications.rate import Rate, parse
from notifications.retention import Retention


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a category is tried (`limit` attempts in all) and how long the waits grow."""

    limit: int = 3
    base: dt.timedelta = dt.timedelta(seconds=30)
    cap: dt.timedelta = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Conf:
    """Every knob with its default. A key of `NOTIFICATIONS` in capitals sets the field of that name."""

    directory: str = ""
    kick: str = ""
    # Dotted path of a class that knows the host's jobs (asked.py): the queue can then be filtered by them.
    jobs: str = ""
    company_name: str = ""
    sandbox: bool = True
    # Well above the slowest provider time-out, so that only a dead worker loses a lease.
    lease: dt.timedelta = dt.timedelta(seconds=180)
    claim_size: int = 100
    # Categories whose e-mails go to the provider together, where it takes many in one request, and the most that one
    # claim takes while there is nothing else: what a dying worker leaves unknown is two such requests.
    batched_categories: frozenset[str] = frozenset({"marketing"})
    batch_claim_size: int = 1000
    # So long waits a low priority at most before a share of each claim is kept for it.
    aging: dt.timedelta = dt.timedelta(minutes=10)
    concurrency: int = 16
    poll: dt.timedelta = dt.timedelta(seconds=1)
    drain_budget: dt.timedelta = dt.timedelta(seconds=25)
    # A drain that sleeps when nothing is due: longer than the minute between two scheduled ones, so that one is always there.
    resident_budget: dt.timedelta = dt.timedelta(seconds=100)
    # By category; a category that is not named gets the default policy.
    retry: Mapping[str, RetryPolicy] = field(default_factory=dict)
    # Where an answer was lost: (channel, category) pairs that are never sent a second time without a person or a webhook.
    at_most_once_channels: frozenset[str] = frozenset({"sms"})
    at_most_once_categories: frozenset[str] = frozenset({"marketing"})
    # How long a misconfigured channel waits before it is tried again.
    misconfigured_pause: dt.timedelta = dt.timedelta(minutes=15)
    unsubscribe_days: int = 400
    # `migrate` puts row level security on our tables; off: it leaves roles and rights alone, and no check asks for them.
    row_security: bool = True
    # Dotted path of a callable: what our two database roles may do with the tables around ours (row_security/rights.py).
    role_rights: str = ""
    # ── Double opt-in (consent/double_opt_in.py reads these) ──
    double_opt_in: Mapping[str, Sequence[str]] = field(default_factory=lambda: DEFAULT)
    confirm_within: dt.timedelta = DEFAULT_WITHIN
    send_confirmation: str = SENDER
    # Called after a commit that asked for an act on more messages than one request takes; without it a schedule or
    # `manage.py acts --run` takes it up.
    kick_acts: str = ""
    # ── The channels ──
    # By channel, over all workers and hosts: "10/s", "600/min". What is not named has no limit of ours.
    rate_limits: Mapping[str, str] = field(default_factory=dict)
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    # The push services of Chrome, Edge and most others; Firefox; Safari; Edge of old. A host's subdomains are meant too.
    push_hosts: tuple[str, ...] = (
        "fcm.googleapis.com", "push.services.mozilla.com", "push.apple.com", "notify.windows.com",
    )  # fmt: skip
    # ── What providers report ──
    # Called after a commit that stored reports; without it they wait for the next scheduled look.
    kick_feedback: str = ""
    # How long ago SendGrid may have signed what it posts. It repeats for a day what we could not take, perhaps with the
    # first signature; a report that comes twice is kept once, so that a short time would only lose some.
    webhook_age: dt.timedelta = dt.timedelta(hours=25)
    # Whether it is followed who opened and who clicked; else mails carry no traces for it, and reports of it are not kept.
    engagement: bool = False
    # How many readers may call a day's e-mails spam, and the group of staff that hears of it.
    complaints: ComplaintPolicy = field(default_factory=ComplaintPolicy)
    alert_group: str = "security_centre"
    # Whether Twilio answers its own keywords (STOP, START, HELP …) by itself, as it does unless its support has switched that off.
    twilio_answers_keywords: bool = True
    # Where a person helps, as our answer to HELP says it; empty: the address that e-mails come from.
    support_contact: str = ""
    # ── The HTTP API: how long the answer to an Idempotency-Key is kept, and when a caller's lock is given up ──
    api_answers_kept: dt.timedelta = dt.timedelta(hours=24)
    api_lock: dt.timedelta = dt.timedelta(seconds=60)
    # How long what is kept; the job `message_retention` sees to it.
    retention: Retention = field(default_factory=Retention)
    # ── The gates ──
    # By category and channel: when it may go out by the recipient's clock, "08:00-21:00" or by weekday
    # {"mon-fri": "08:00-21:00", "sat": "10:00-18:00"}. What is not named may go out at any hour (47 CFR 64.1200(c)(1)).
    quiet_hours: Mapping[str, Mapping[str, str | Mapping[str, str]]] = field(
        default_factory=lambda: {
            category: dict.fromkeys(("sms", "push"), "08:00-21:00") for category in ("reminder", "marketing")
        }
    )
    # Where a recipient may be whose time zone nobody knows; TIME_ZONE is always among them.
    fallback_zones: Sequence[str] = (
        "America/St_Johns", "America/Halifax", "America/Moncton", "America/Toronto", "America/Winnipeg",
        "America/Regina", "America/Edmonton", "America/Vancouver",
    )  # fmt: skip
    # What waited for an opening goes out over this long after it, so that providers see no wall of messages.
    opening_spread: dt.timedelta = dt.timedelta(minutes=5)
    # By template name, or its beginning up to a dot ("booking."): the callable that says what no longer holds.
    relevance: Mapping[str, str] = field(default_factory=dict)
    relevance_retry: dt.timedelta = dt.timedelta(minutes=5)
    # The host's own part of an erasure (privacy/erase.py): a callable(customer_id, *, now) that answers how many rows of what.
    erase: str = ""
    # By category: at most so many messages to one recipient in such a period, over e-mail, SMS and push together.
    caps: Mapping[str, Sequence[tuple[int, dt.timedelta]]] = field(
        default_factory=lambda: {"marketing": ((1, dt.timedelta(days=1)), (4, dt.timedelta(days=30)))}
    )

    def rate_limit(self, channel: str) -> Rate | None:
        text = self.rate_limits.get(channel)
        return parse(text) if text else None

    def window(self, channel: str) -> int:
        """How many may be marked as sent off and not recorded: the calls that a channel makes at a time, and some that
        wait for a call to be free, so that it never runs dry. Fewer where each one that a dying worker leaves behind
        becomes a question for a person."""
        return self.concurrency * (2 if channel in self.at_most_once_channels else 4)

    def retry_policy(self, category: str) -> RetryPolicy:
        return self.retry.get(category, RetryPolicy())

    def resends_unknown(self, *, channel: str, category: str) -> bool:
        """May a message whose answer was lost be sent again (at least once), or never by itself (at most once)?"""
        if category == Category.SECURITY:
            return True
        return channel not in self.at_most_once_channels and category not in self.at_most_once_categories


def conf() -> Conf:
    """The settings in force now. Asked for each message, so made anew only when a setting has changed."""
    global _made
    given: dict[str, Any] = settings.NOTIFICATIONS
    sandbox = settings.POSTROOM_MODE != "live"
    known = _made
    if known is None or known[0] != sandbox or known[1] != given:
        values = {name.lower(): value for name, value in given.items()}
        known = _made = (sandbox, dict(given), Conf(sandbox=sandbox, **values))
    return known[2]


_made: tuple[bool, dict[str, Any], Conf] | None = None
