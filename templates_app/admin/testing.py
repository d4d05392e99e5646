"""A test to oneself: in, a version and a channel; out, one message to whoever asks, made from the samples, and what to tell them."""

from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from templates_app.admin.pages import SEND_TEST, log, require, template_or_404
from templates_app.drafts import placeholders_of
from templates_app.spoken import CHANNEL_NAMES


@require_POST
def send_test(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The published words with the samples, to the person who asks, through the queue like any other message."""
    require(request, SEND_TEST)
    template = template_or_404(pk)
    back = HttpResponseRedirect(reverse("admin:templates_app_notificationtemplate_change", args=[pk]))
    send, version, channel = sender(), template.published_version, request.POST.get("channel", "")
    if send is None or version is None or channel not in version.channels:
        messages.error(request, _("There is nothing published to send on this channel."))
        return back
    samples = {p.name: p.sample for p in placeholders_of(version)}
    try:
        told = send(template=template.name, channel=channel, payload=samples, staff_id=str(request.user.pk))
    except ValueError as error:
        messages.error(request, str(error))
        return back
    log(request, version, f"Sent a test by {CHANNEL_NAMES[channel]} to themselves.")
    messages.info(request, told)
    return back


def sender() -> Callable[..., str] | None:
    """The host's way to queue a test message: this app stands below the queue and cannot import it."""
    path: str = getattr(settings, "TEMPLATES_APP", {}).get("SEND_TEST", "")
    return import_string(path) if path else None
