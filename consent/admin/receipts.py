"""A customer's consent on one page, and as a file: in, an id; out, what may be sent and why, every event, the end of the chain.

Only read: what changes a consent is a decision on its own page.
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from consent.admin.find import find_customer
from consent.admin.standing import standing_of
from consent.admin_base import ReadOnlyAdmin
from consent.directory import directory
from consent.models import ConsentEvent
from consent.receipt import Entry, NothingOnRecordError, Receipt, as_text, receipt
from consent.staff_names import staff_names

if TYPE_CHECKING:
    Base = ReadOnlyAdmin[ConsentEvent]
else:
    Base = object

# Events on a page; the newest come first.
SHOWN = 100
# The dot of the timeline, by what was said.
TONES = {"granted": "yes", "confirmed": "yes", "revoked": "no", "requested": "asked"}
MESSAGES = "notifications.view_notification"


class CustomerLedger(Base):
    """Adds `customer/?id=…` to the ledger's admin. An id may hold any sign, so it is no part of the path."""

    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site.admin_view
        return [
            path("customer/", site(self.customer_view), name="consent_consentevent_customer"),
            path("customer/find/", site(self.find_view), name="consent_consentevent_find"),
            *super().get_urls(),
        ]

    def find_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": _("Customers found")}
        return find_customer(request, context)

    def customer_view(self, request: HttpRequest) -> HttpResponseBase:
        """The page; with `as=json` or `as=text` a file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        # An id may hold any sign but NUL, which PostgreSQL does not know.
        customer_id, now = request.GET.get("id", "").replace("\0", ""), timezone.now()
        contact = directory().customers([customer_id]).get(customer_id) if customer_id else None
        found = self._receipt(customer_id)
        if found is None and contact is None:
            raise Http404(_("Nothing is on record for this customer."))
        wanted = request.GET.get("as")
        if found and wanted == "json":
            response: HttpResponse = JsonResponse(dataclasses.asdict(found), json_dumps_params={"indent": 2})
            return _download(response, "json")
        if found and wanted == "text":
            return _download(HttpResponse(as_text(found), content_type="text/plain; charset=utf-8"), "txt")
        may_decide = request.user.has_perm("consent.change_customerconsent")
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": _("Consent of customer %s") % customer_id,
            "opts": self.opts,
            "customer_id": customer_id,
            "receipt": found,
            "standing": standing_of(customer_id, contact, now=now, may_decide=may_decide),
            "may_see_suppressions": request.user.has_perm("consent.view_suppression"),
            "messages_url": _messages_url(request, customer_id),
            "time_zone": timezone.get_current_timezone_name(),
            **_timeline(found, request.GET.get("page", "1")),
        }
        return TemplateResponse(request, "admin/consent/consentevent/customer.html", context)

    def _receipt(self, customer_id: str) -> Receipt | None:
        try:
            return receipt(customer_id, at=timezone.now(), locale=(get_language() or "en").partition("-")[0])
        except NothingOnRecordError:
            return None


def _timeline(found: Receipt | None, page: str) -> dict[str, Any]:
    """One page of the events, newest first, each with its evidence."""
    events: Sequence[Entry] = list(reversed(found.events)) if found else []
    number = int(page) if page.isdecimal() and len(page) < 6 else 1
    first = (max(number, 1) - 1) * SHOWN
    shown = events[first : first + SHOWN]
    kept = dict(
        ConsentEvent.objects.filter(pk__in=[event.id for event in shown]).values_list("pk", "evidence")
    )
    names = staff_names(event.actor for event in shown)
    return {
        "timeline": [
            (
                event,
                TONES.get(event.action, "asked"),
                _("customer") if event.actor == "customer" else names.get(event.actor, event.actor),
                _words(kept.get(event.id)),
            )
            for event in shown
        ],
        "newer": number - 1 if number > 1 else None,
        "older": number + 1 if first + SHOWN < len(events) else None,
    }


def _words(evidence: Any) -> list[tuple[str, str]]:
    """«reason: said so on the phone»; what is itself a list or an object stands on the event's own page."""
    if not isinstance(evidence, dict):
        return []
    return [
        (str(name), str(value)) for name, value in evidence.items() if isinstance(value, str | int | float)
    ]


def _messages_url(request: HttpRequest, customer_id: str) -> str:
    """Where the host shows messages, and to whom it shows them."""
    try:
        there = reverse("admin:notifications_notification_changelist")
    except NoReverseMatch:
        return ""
    return f"{there}?{urlencode({'q': f'customer:{customer_id}'})}" if request.user.has_perm(MESSAGES) else ""


def _download(response: HttpResponse, ending: str) -> HttpResponse:
    # The id may hold any sign, so it is not in the name.
    response.headers["Content-Disposition"] = f'attachment; filename="consent-receipt.{ending}"'
    response.headers["Cache-Control"] = "no-store"
    return response
