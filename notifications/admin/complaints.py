"""How our mail is received: in, the days and the stops; out, a card, and marketing stopped or resumed by POST with a reason."""

from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consent.models import Channel
from notifications.admin.audit import log_each
from notifications.admin.cells import badge
from notifications.admin.reason import ResumeForm
from notifications.category_stop import open_stops, resume, stop
from notifications.conf import conf
from notifications.models import CategoryStop, SendingDay

LIST = "admin:notifications_channelstate_changelist"
DAYS = 14
CATEGORY = "marketing"
# Where marketing is sent.
CHANNELS = (Channel.EMAIL, Channel.SMS, Channel.PUSH)
Page = Callable[[HttpRequest, str, forms.Form], HttpResponse]


@dataclass(frozen=True, slots=True)
class DayLine:
    """One day of a sending domain; `verdict` says whether its rate is too high, or nothing yet."""

    day: SendingDay
    rate: str
    verdict: SafeString


@dataclass(frozen=True, slots=True)
class MarketingLine:
    """Marketing on one channel: its stop, or none, and the form that would change that."""

    channel: str
    label: str
    stop: CategoryStop | None
    form: forms.Form


@dataclass(frozen=True, slots=True)
class ComplaintCard:
    lines: tuple[MarketingLine, ...]
    days: tuple[DayLine, ...]
    warn_at: str
    stop_at: str


def complaint_card(channel: str = "", posted: forms.Form | None = None) -> ComplaintCard:
    """In two queries. `posted` is the form of a channel that came back with errors."""
    policy = conf().complaints
    stops = {row.channel: row for row in open_stops()}
    lines = tuple(
        MarketingLine(
            name.value,
            str(name.label),
            stops.get(name.value),
            posted if posted and channel == name else ResumeForm(auto_id=f"{name.value}_marketing_%s"),
        )
        for name in CHANNELS
    )
    days = tuple(DayLine(day, f"{day.rate:.2%}", _verdict(day)) for day in SendingDay.objects.all()[:DAYS])
    return ComplaintCard(lines, days, f"{policy.warn_at:.2%}", f"{policy.stop_at:.2%}")


def marketing_view(request: HttpRequest, *, channel: str, verb: str, page: Page) -> HttpResponse:
    """`<channel>/marketing/stop/` and `…/resume/`; `page` shows the channels again, with a form that has errors."""
    if not request.user.has_perm("notifications.change_channelstate"):
        raise PermissionDenied
    if channel not in CHANNELS:
        raise Http404
    if request.method != "POST":
        return HttpResponseRedirect(reverse(LIST))
    form = ResumeForm(request.POST, auto_id=f"{channel}_marketing_%s")
    if not form.is_valid():
        return page(request, channel, form)
    reason, by = form.cleaned_data["reason"], f"staff:{request.user.pk}"
    name = str(Channel(channel).label)
    with transaction.atomic():
        if verb == "stop":
            row = stop(channel=channel, category=CATEGORY, reason=reason, by=by)
            log_each(request, [row], f"stop marketing: {reason}")
            messages.success(request, _("Marketing by %s is stopped; its messages wait.") % name)
        else:
            _resume(request, channel, name, reason, by)
    return HttpResponseRedirect(reverse(LIST))


def _resume(request: HttpRequest, channel: str, name: str, reason: str, by: str) -> None:
    row = CategoryStop.objects.filter(channel=channel, category=CATEGORY, lifted_at=None).first()
    waiting = resume(channel=channel, category=CATEGORY, by=by, reason=reason)
    if row is None or waiting is None:
        messages.success(request, _("Marketing by %s was not stopped.") % name)
        return
    log_each(request, [row], f"resume marketing: {reason}")
    told = ngettext(
        "Marketing by %(name)s goes out again; %(count)d message waited.",
        "Marketing by %(name)s goes out again; %(count)d messages waited.",
        waiting,
    )
    messages.success(request, told % {"name": name, "count": waiting})


def _verdict(day: SendingDay) -> SafeString:
    policy = conf().complaints
    if not policy.is_enough(delivered=day.delivered, complained=day.complained):
        return badge(
            _("Too few to say") if day.complained else _("Fine"), "muted" if day.complained else "ok"
        )
    if day.rate >= policy.stop_at:
        return badge(_("Marketing stopped"), "bad")
    return badge(_("High"), "warn") if day.rate >= policy.warn_at else badge(_("Fine"), "ok")
