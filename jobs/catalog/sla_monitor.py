"""The promised times of support tickets: in, `now`; out, a warning at 80 % of a target, an alert and messages past it.

Once: the row of a ticket remembers its warning, and of a breach only a new alert is told.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from consent.directory import directory
from jobs.audience import members
from jobs.links import admin_page
from jobs.spec import JobResult, Progress
from jobs.telling import Telling, once, pages
from notifications.message import Group, NotifyRequest, Staff
from rentals.sla import TARGETS, Clock, break_promises, keep_promises, settle, warn
from rentals.sla_alerts import follow_priority, note_told, open_breaches, resolve_breaches

NAME = "sla_monitor"
LEADS = Group("support_leads")
CHANNELS = ("email", "inapp")
URGENT_CHANNELS = ("email", "push", "inapp")


def run(*, now: dt.datetime, progress: Progress) -> JobResult:
    """Bring the clocks up to date, then tell of those that ran out, and of those that soon will."""
    telling = Telling(now=now, progress=progress)
    telling.changed("clocks kept", keep_promises(now=now))
    for target in TARGETS:
        _breached(break_promises(target, now=now), telling, now, kind=f"{target}_breached")
    telling.changed("clocks stopped", settle())
    for target in TARGETS:
        _warned(warn(target, now=now), telling, kind=f"{target}_warned")
    telling.changed("alerts resolved", resolve_breaches(now=now))
    telling.changed("alerts changed", follow_priority())
    return telling.result(f"{target}_{what}" for target in TARGETS for what in ("warned", "breached"))


def _breached(clocks: Sequence[Clock], telling: Telling, now: dt.datetime, *, kind: str) -> None:
    for page in pages(clocks):
        news = open_breaches(page, now=now)
        telling.changed("alerts opened", len(news))
        audience = _audience([clock for clock, _ in news])
        # By its alert, not by its hour: a ticket that is open again has another, and is told of again.
        telling.tell(
            _request(
                "breached", clock, who, audience, URGENT_CHANNELS if clock.is_urgent else CHANNELS, of=alert
            )
            for clock, alert in news
            for who in audience.of_breach(clock)
        )
        if audience.leads:
            # One word of a ticket is enough: generate_dashboard_alerts speaks to the leads as well.
            note_told([alert for _, alert in news])
        telling.found(kind, len(page))


def _warned(clocks: Sequence[Clock], telling: Telling, *, kind: str) -> None:
    for page in pages(clocks):
        audience = _audience(page)
        telling.tell(
            _request("warning", clock, who, audience, CHANNELS, of=_hour(clock), expires_at=clock.due_at)
            for clock in page
            for who in audience.of_warning(clock)
        )
        telling.found(kind, len(page))


@dataclass(frozen=True, slots=True)
class _Audience:
    """The staff behind a page of clocks: the assignees who still work here, and the support leads."""

    assignees: Collection[str]
    leads: Collection[str]

    def assignee(self, clock: Clock) -> str | None:
        """Who left is told nothing, and their tickets are nobody's."""
        return str(clock.assignee) if str(clock.assignee) in self.assignees else None

    def of_warning(self, clock: Clock) -> Collection[str]:
        return [who] if (who := self.assignee(clock)) else self.leads

    def of_breach(self, clock: Clock) -> Collection[str]:
        """An assignee who leads as well hears once."""
        return dict.fromkeys([who, *self.leads] if (who := self.assignee(clock)) else self.leads)


def _audience(clocks: Sequence[Clock]) -> _Audience:
    if not clocks:
        return _Audience((), ())
    ids = {str(clock.assignee) for clock in clocks if clock.assignee is not None}
    return _Audience(directory().staff(ids).keys() if ids else (), members(LEADS, job=NAME))


def _request(
    kind: str,
    clock: Clock,
    who: str,
    audience: _Audience,
    channels: Sequence[str],
    *,
    of: object,
    **fields: Any,
) -> NotifyRequest:
    return NotifyRequest(
        template=f"sla.{kind}",
        to=Staff(who),
        channel=channels,
        payload={
            "ticket_number": clock.ticket_number,
            "is_response": clock.target == "response",
            "is_urgent": clock.is_urgent,
            "is_assigned": audience.assignee(clock) is not None,
            "due_at": clock.due_at.isoformat(),
            "ticket_url": admin_page("rentals_supportticket_change", clock.ticket_id),
        },
        idempotency_key=once(NAME, kind, clock.target, clock.ticket_id, of, who),
        # What the message speaks of, for whoever asks later whether it still holds.
        metadata={"job": NAME, "sla": clock.target, "ticket_id": str(clock.ticket_id), "event": _hour(clock)},
        **fields,
    )


def _hour(clock: Clock) -> str:
    return clock.due_at.astimezone(dt.UTC).isoformat()
