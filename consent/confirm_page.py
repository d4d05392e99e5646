"""`/confirm/<token>`: in, the link of a message that asks; out, a page with one button, and after that the consent it gives.

GET never acts: mail programs and scanners open every link, and the point is that a person said yes.
"""

import datetime as dt

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language

from consent import wording
from consent.double_opt_in import find_request
from consent.models import ConfirmRequest
from consent.preferences import confirm, current
from consent.public_page import evidence_of, opened_by, page


@opened_by(find_request, lost="consent/confirm_lost.html")
def confirm_consent(request: HttpRequest, asked: ConfirmRequest, now: dt.datetime) -> HttpResponse:
    """The question, or what came of it. Pressing twice is the same as once."""
    channel, category = asked.channel, asked.category
    if request.method == "POST":
        stands = confirm(
            asked,
            at=now,
            wording=wording.confirming_question(channel=channel, category=category),
            evidence=evidence_of(request),
            locale=get_language() or "",
        )
        state = "confirmed" if stands else "withdrawn"
    else:
        said = current(asked.customer_id).get((channel, category))
        state = "confirmed" if said is not None and said.enabled else "question"
    context = {
        "state": state,
        "kind": wording.kind(channel=channel, category=category),
        "purpose": wording.category_purpose(category),
    }
    return page("consent/confirm.html", context)
