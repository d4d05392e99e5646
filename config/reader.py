"""The admin in its reader's time zone and language: in, a request to `/admin/`; out, its answer as that person wants it.

The API and the public pages stay as they are: UTC by ISO 8601, and the language of whoever they were written for.
"""

import zoneinfo
from collections.abc import Callable
from contextlib import nullcontext

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from config.models import StaffPreference


class Reader:
    """Middleware: below TwoStepGate, which says whose session counts. One query by key for who is signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/admin/") or not request.user.is_staff:
            return self.get_response(request)
        chosen = StaffPreference.objects.filter(pk=request.user.pk).first() or StaffPreference()
        language = translation.override(chosen.language) if chosen.language else nullcontext()
        with timezone.override(zone_of(chosen)), language:
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or "")
        return response


def zone_of(chosen: StaffPreference) -> zoneinfo.ZoneInfo | None:
    """The person's; None, which is TIME_ZONE, also for one that this machine's database has no more."""
    try:
        return zoneinfo.ZoneInfo(chosen.time_zone) if chosen.time_zone else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None
