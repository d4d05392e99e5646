"""Pause, resume, test: in, a channel and a reason; out, its state changed by POST, and the live page of the four channels."""

import uuid
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext

from consent.models import Channel
from notifications.admin import channel_test
from notifications.admin.audit import log_each
from notifications.admin.channel_cards import cards
from notifications.admin.channel_history import history
from notifications.admin.complaints import ComplaintCard, complaint_card, marketing_view
from notifications.admin.private import PrivateAdmin
from notifications.admin.reason import PauseForm, ResumeForm
from notifications.channel_state import pause, resume
from notifications.models import ChannelState, Notification

CHANGE = "notifications.change_channelstate"
LIST = "admin:notifications_channelstate_changelist"


@admin.register(ChannelState)
class ChannelStateAdmin(PrivateAdmin[ChannelState]):
    """One page for the four channels, whether they have a row or not."""

    def get_urls(self) -> list[URLPattern]:
        return (
            [
                path(
                    f"<slug:channel>/{verb}/",
                    self.admin_site.admin_view(view),
                    name=f"notifications_channelstate_{verb}",
                )
                for verb, view in (
                    ("pause", self.pause_view),
                    ("resume", self.resume_view),
                    ("test", self.test_view),
                    ("live", self.live_view),
                )
            ]
            + [
                path(
                    "tests/<uuid:notification_id>/",
                    self.admin_site.admin_view(self.tested_view),
                    name="notifications_channelstate_tested",
                )
            ]
            + [
                path(
                    f"<slug:channel>/marketing/{verb}/",
                    self.admin_site.admin_view(self.marketing_view),
                    {"verb": verb},
                    name=f"notifications_channelstate_marketing_{verb}",
                )
                for verb in ("stop", "resume")
            ]
            + super().get_urls()
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self._page(request)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A single channel has no page of its own."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(reverse(LIST))

    def pause_view(self, request: HttpRequest, channel: str) -> HttpResponse:
        form = PauseForm(request.POST)
        if refused := self._refusal(request, channel, form):
            return refused
        until, reason = form.cleaned_data["until"], form.cleaned_data["reason"]
        with transaction.atomic():
            pause(channel, until=until, reason=reason, by=f"staff:{request.user.pk}")
            state = ChannelState.objects.get(pk=channel)
            end = until.isoformat(timespec="minutes") if until else "resumed"
            log_each(request, [state], f"pause until {end}: {reason}")
        if (state.paused_until, state.until_resumed) == (until, until is None):
            messages.success(request, gettext("%s is paused.") % Channel(channel).label)
        else:
            messages.warning(
                request, gettext("%s is paused for longer already. Resume it first.") % Channel(channel).label
            )
        return HttpResponseRedirect(reverse(LIST))

    def resume_view(self, request: HttpRequest, channel: str) -> HttpResponse:
        form = ResumeForm(request.POST)
        if refused := self._refusal(request, channel, form):
            return refused
        reason = form.cleaned_data["reason"]
        with transaction.atomic():
            stood = resume(channel, by=f"staff:{request.user.pk}", reason=reason)
            if stood:
                log_each(request, [ChannelState.objects.get(pk=channel)], f"resume: {reason}")
        told = gettext("%s sends again.") if stood else gettext("%s was open already.")
        messages.success(request, told % Channel(channel).label)
        return HttpResponseRedirect(reverse(LIST))

    def live_view(self, request: HttpRequest, channel: str) -> HttpResponse:
        """One card's facts, for the page that keeps itself up to date."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        card = next((card for card in cards() if card.name == channel), None)
        if card is None:
            raise Http404
        return render(request, "notifications/admin/channel_facts.html", {"card": card})

    def test_view(self, request: HttpRequest, channel: str) -> HttpResponse:
        form = channel_test.TestForm(request.POST)
        if refused := self._refusal(request, channel, form):
            return refused
        with transaction.atomic():
            sent = channel_test.send(request, channel=channel, test_id=form.cleaned_data["test_id"])
            if sent.id:
                log_each(
                    request, list(Notification.objects.filter(pk=sent.id)), f"test of {channel} to oneself"
                )
        if sent.id is None:
            messages.error(request, sent.why)
            return HttpResponseRedirect(reverse(LIST))
        return HttpResponseRedirect(f"{reverse(LIST)}?test={sent.id}")

    def tested_view(self, request: HttpRequest, notification_id: uuid.UUID) -> HttpResponse:
        """How far one's own test is."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = channel_test.outcome(request, notification_id)
        if found is None:
            raise Http404
        return render(request, "notifications/admin/channel_tested.html", found)

    def marketing_view(self, request: HttpRequest, channel: str, verb: str) -> HttpResponse:
        return marketing_view(request, channel=channel, verb=verb, page=self._marketing_page)

    def _marketing_page(self, request: HttpRequest, channel: str, form: forms.Form) -> HttpResponse:
        return self._page(request, complaints=complaint_card(channel, form))

    def _refusal(self, request: HttpRequest, channel: str, form: forms.Form) -> HttpResponse | None:
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        if channel not in Channel.values:
            raise Http404
        if request.method != "POST":
            return HttpResponseRedirect(reverse(LIST))
        return None if form.is_valid() else self._page(request, {channel: form})

    def _page(
        self,
        request: HttpRequest,
        posted: dict[str, forms.Form] | None = None,
        complaints: ComplaintCard | None = None,
    ) -> HttpResponse:
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": self.opts.verbose_name_plural,
            "cards": cards(posted),
            "complaints": complaints or complaint_card(),
            "history": history(),
            "test_form": channel_test.new_form(),
            "tested": _tested(request),
            "may_change": request.user.has_perm(CHANGE),
            "time_zone": timezone.get_current_timezone_name(),
        }
        return TemplateResponse(request, "notifications/admin/channels.html", context)


def _tested(request: HttpRequest) -> dict[str, Any] | None:
    """The test that the page was sent back for, if it is one's own."""
    try:
        return channel_test.outcome(request, uuid.UUID(request.GET.get("test", "")))
    except ValueError:
        return None
