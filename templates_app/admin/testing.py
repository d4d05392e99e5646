"""A test to oneself: in, a version and a channel; out, one message to whoever asks, made from the samples, and what to tell them.

What is in force goes through the queue by its name, like any other message. A draft, which the queue cannot render, goes
with its parts as they are written now. Nobody else can be named as a recipient.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from templates_app.admin.pages import (
    SEND_TEST,
    as_uuid,
    log,
    require,
    template_or_404,
    template_url,
    version_url,
)
from templates_app.drafts import placeholders_of
from templates_app.models import NotificationTemplate, NotificationTemplateVersion
from templates_app.preview import preview
from templates_app.problem_words import in_words
from templates_app.spoken import CHANNEL_NAMES

Version = NotificationTemplateVersion
# So many in a quarter of an hour, by one person.
MOST, WINDOW = 20, dt.timedelta(minutes=15)
_SENT = "Sent a test by "
_LOCK = "SELECT pg_advisory_xact_lock(8028, hashtext(%s))"


@require_POST
def send_test(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One message to the person who asks; back to where they were."""
    require(request, SEND_TEST)
    template = template_or_404(pk)
    send, channel = sender(), request.POST.get("channel", "")
    version = _version(template, request.POST.get("version", ""))
    back = HttpResponseRedirect(
        version_url(version)
        if version and version.pk != template.published_version_id
        else template_url(template)
    )
    if send is None or version is None or channel not in CHANNEL_NAMES:
        messages.error(request, _("There is nothing published to send on this channel."))
    else:
        _send(request, send, template, version, channel)
    return back


def _send(
    request: HttpRequest,
    send: Callable[..., str],
    template: NotificationTemplate,
    version: Version,
    channel: str,
) -> None:
    with transaction.atomic():
        _one_at_a_time(request)
        if _sent_lately(request) >= MOST:
            messages.error(request, _("That were %s tests in a quarter of an hour: wait a little.") % MOST)
            return
        try:
            told = send(
                template=template.name,
                channel=channel,
                payload={p.name: p.sample for p in placeholders_of(version)},
                staff_id=str(request.user.pk),
                parts=_parts(template, version, channel, request.POST.get("locale", "")),
            )
        except ValueError as error:
            # What was withheld is kept.
            messages.error(request, str(error))
        else:
            log(request, version, f"{_SENT}{channel} to themselves.")
            messages.info(request, told)


def sender() -> Callable[..., str] | None:
    """The host's way to queue a test message: this app stands below the queue and cannot import it."""
    path: str = getattr(settings, "TEMPLATES_APP", {}).get("SEND_TEST", "")
    return import_string(path) if path else None


def _version(template: NotificationTemplate, named: str) -> Version | None:
    """The version named, which must be this template's; else what is in force."""
    if not named:
        return template.published_version
    version = Version.objects.select_related("template").filter(pk=as_uuid(named), template=template).first()
    if version is None:
        raise Http404
    return version


def _parts(
    template: NotificationTemplate, version: Version, channel: str, locale: str
) -> Mapping[str, str] | None:
    """None for what is in force, which the queue renders itself. Raises ValueError for a text that cannot be made."""
    if version.pk == template.published_version_id:
        if channel not in version.channels:
            raise ValueError(_("There is nothing published to send on this channel."))
        return None
    shown = preview(version, locale=locale)
    problems = [p for p in shown.problems if p.channel in ("", channel) and p.locale in ("", shown.locale)]
    if problems or channel not in shown.messages:
        told = in_words(problems[0]) if problems else _("this draft has no text for it")
        raise ValueError(_("It cannot be sent yet: %s") % told)
    return shown.messages[channel]


def _one_at_a_time(request: HttpRequest) -> None:
    """Until the transaction ends, so that two tests at once do not both count the same ones before them."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [f"test by {request.user.pk}"])


def _sent_lately(request: HttpRequest) -> int:
    """By the admin's log, which every process sees."""
    return LogEntry.objects.filter(
        user_id=str(request.user.pk),
        action_time__gte=timezone.now() - WINDOW,
        content_type=ContentType.objects.get_for_model(Version),
        change_message__startswith=_SENT,
    ).count()
