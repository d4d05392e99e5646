"""Find a customer: in, an id, an e-mail address or a number by POST; out, their ledger, or a choice where several share it.

By POST, so that no address stands in a URL, a log or a browser's history.
"""

import re
from collections.abc import Collection

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from consent.addresses import AddressError, normalise
from consent.chain import head
from consent.directory import directory

MOST = 20
NUMBER = re.compile(r"\+?[\d\s().-]{7,}")


def ledger_url(customer_id: str) -> str:
    return f"{reverse('admin:consent_consentevent_customer')}?{urlencode({'id': customer_id})}"


def find_customer(request: HttpRequest, context: dict[str, object]) -> HttpResponse:
    """`context` is the admin's, for the page that lists several."""
    here = HttpResponseRedirect(reverse("admin:consent_consentevent_changelist"))
    typed = request.POST.get("q", "").replace("\0", "").strip()
    if request.method != "POST" or not typed:
        return here
    try:
        found = sorted(customers_of(typed))[:MOST]
    except AddressError as error:
        messages.error(request, str(error))
        return here
    if not found:
        messages.error(
            request, _("No customer has this id, address or number, and the ledger does not know it.")
        )
        return here
    if len(found) == 1:
        return HttpResponseRedirect(ledger_url(found[0]))
    choices = [(known, ledger_url(known)) for known in found]
    return TemplateResponse(request, "admin/consent/consentevent/found.html", {**context, "choices": choices})


def customers_of(typed: str) -> Collection[str]:
    """Raises AddressError for what looks like an address and is none."""
    if head(typed) is not None or directory().customers([typed]):
        return [typed]
    if "@" in typed:
        return directory().customers_at("email", normalise("email", typed))
    return directory().customers_at("sms", normalise("sms", typed)) if NUMBER.fullmatch(typed) else []
