"""What needs a person in the queue and its channels: in, how they stand; out, Matters."""

import datetime as dt
from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.dashboard.amounts import in_words
from config.dashboard.attention import LATE, Gravity, Matter
from config.dashboard.links import Links
from consent.models import Category, Channel
from jobs.trouble import is_drain_alive
from notifications.admin.channel_cards import BADGES
from notifications.admin.figures import Backlog
from notifications.category_stop import open_stops
from notifications.channel_state import Kind
from notifications.conf import conf
from notifications.models import SendingDay
from notifications.state_counts import Counted, grouped
from notifications.traffic.read import Figures


def of_the_queue(
    backlogs: Sequence[Backlog], failed: Counted, traffic: Figures, links: Links, *, now: dt.datetime
) -> Iterator[Matter]:
    """Channels, what waits too long, what failed, and whether this page itself is up to date. Three queries."""
    yield from _channels(backlogs, links)
    yield from _standstill(backlogs, links)
    yield from _marketing(links, now=now)
    unknown = sum(backlog.unknown for backlog in backlogs)
    if unknown:
        yield Matter(
            Gravity.BAD,
            ngettext(
                "%s message may have been sent, or not", "%s messages may have been sent, or not", unknown
            ) % grouped(unknown),
            _("The provider’s answer was lost. Find out, and say which."),
            _("Settle them"),
            links.queue(error_class="outcome_unknown", status__exact="failed"),
        )  # fmt: skip
    if failed and (not failed.is_exact or failed.count > unknown):
        rest = failed if not failed.is_exact else Counted(failed.count - unknown)
        yield Matter(
            Gravity.WARN,
            ngettext("%s failed message waits for a person", "%s failed messages wait for a person", rest.count) % rest,
            _("They are not tried again by themselves."),
            _("Look at them"),
            links.queue(status__exact="failed"),
        )  # fmt: skip
    if traffic.is_late and traffic.folded_at:
        yield Matter(
            Gravity.WARN,
            _("The charts are behind: last counted %s ago") % in_words(now - traffic.folded_at),
            _("Counting is done each minute by the jobs’ workers. Are they running?"),
        )


def _channels(backlogs: Sequence[Backlog], links: Links) -> Iterator[Matter]:
    page = links.list_of("notifications.channelstate")
    for backlog in backlogs:
        label = Channel(backlog.channel).label
        for stop in backlog.stops:
            name, tone = BADGES[stop.kind]
            if stop.kind is Kind.TRIAL:
                continue
            waits = ngettext("%s message waits", "%s messages wait", backlog.waiting) % grouped(
                backlog.waiting
            )
            yield Matter(
                Gravity.BAD if tone == "bad" else Gravity.WARN,
                f"{label}: {name}",
                " · ".join(filter(None, (stop.reason, waits if backlog.waiting else ""))),
                _("Open the channels"),
                page,
            )


def _standstill(backlogs: Sequence[Backlog], links: Links) -> Iterator[Matter]:
    """What waits too long on channels that nothing stands against; and whether anybody sends at all."""
    ages = [one.oldest_age for one in backlogs if one.oldest_age is not None and not one.stops]
    oldest = max(ages, default=dt.timedelta())
    alive = is_drain_alive()
    if oldest > LATE:
        yield Matter(
            Gravity.BAD,
            _("The oldest due message has waited for %s") % in_words(oldest),
            _("Workers send, but too slowly.")
            if alive
            else _("No worker is sending: start manage.py work notify."),
            _("See what is due"),
            links.queue(status__exact="queued"),
        )
    elif not alive:
        yield Matter(
            Gravity.WARN,
            _("No worker is sending"),
            _("Messages wait until one starts: manage.py work notify."),
        )


def _marketing(links: Links, *, now: dt.datetime) -> Iterator[Matter]:
    page, act = links.list_of("notifications.channelstate"), _("See complaints")
    stopped = open_stops()
    for row in stopped:
        yield Matter(
            Gravity.BAD,
            f"{Channel(row.channel).label}: {_('%s is held back') % Category(row.category).label}",
            row.reason,
            act,
            page,
        )
    policy = conf().complaints
    for day in SendingDay.objects.filter(day__gte=(now - dt.timedelta(days=2)).date()).order_by("-day")[:4]:
        enough = policy.is_enough(delivered=day.delivered, complained=day.complained)
        if enough and day.rate >= policy.warn_at and not stopped:
            told = _("%(share)s of the e-mails of %(day)s were called spam") % {
                "share": f"{day.rate:.2%}", "day": day.day.isoformat()
            }  # fmt: skip
            yield Matter(Gravity.WARN, told, _("Gmail and Yahoo want less than 0.1 %."), act, page)
            return
