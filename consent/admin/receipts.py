"""A customer's ledger on one page, and as a file: in, an id; out, what stands, every event behind it, the end of the chain.

Only read: what changes a consent is a decision on its own page.
"""

import dataclasses
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from consent.admin_base import ReadOnlyAdmin
from consent.models import ConsentEvent
from consent.receipt import NothingOnRecordError, as_text, receipt

if TYPE_CHECKING:
    Base = ReadOnlyAdmin[ConsentEvent]
else:
    Base = object


class CustomerLedger(Base):
    """Adds `customer/?id=…` to the ledger's admin. An id may hold any sign, so it is no part of the path."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.customer_view)
        return [path("customer/", view, name="consent_consentevent_customer"), *super().get_urls()]

    def customer_view(self, request: HttpRequest) -> HttpResponseBase:
        """The page; with `as=json` or `as=text` a file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            found = receipt(
                request.GET.get("id", ""),
                at=timezone.now(),
                locale=(get_language() or "en").partition("-")[0],
            )
        except NothingOnRecordError:
            raise Http404(_("Nothing is on record for this customer.")) from None
        wanted = request.GET.get("as")
        if wanted == "json":
            response: HttpResponse = JsonResponse(dataclasses.asdict(found), json_dumps_params={"indent": 2})
            return _download(response, "json")
        if wanted == "text":
            return _download(HttpResponse(as_text(found), content_type="text/plain; charset=utf-8"), "txt")
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": _("Consent of customer %s") % found.customer_id,
            "opts": self.opts,
            "receipt": found,
        }
        return TemplateResponse(request, "admin/consent/consentevent/customer.html", context)


def _download(response: HttpResponse, ending: str) -> HttpResponse:
    # The id may hold any sign, so it is not in the name.
    response.headers["Content-Disposition"] = f'attachment; filename="consent-receipt.{ending}"'
    response.headers["Cache-Control"] = "no-store"
    return response
