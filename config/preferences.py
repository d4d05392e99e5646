"""One's own preferences: in, a member of staff and what they chose; out, times in their zone and pages in their language."""

import zoneinfo
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from config.models import Language, StaffPreference
from config.reader import zone_of

Choices = list[tuple[str, Any]]
# Places; the rest of the database are offsets with misleading signs, and old names of the same.
REGIONS = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)  # fmt: skip


class PreferenceForm(forms.Form):
    """Both may be left to the business and the browser."""

    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        help_text=gettext_lazy("Every time that you see or enter in these pages is in this zone."),
        widget=forms.Select(attrs={"class": "pr-input"}),
        error_messages={"invalid_choice": gettext_lazy("Choose a time zone of the list.")},
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        choices=[("", gettext_lazy("As my browser asks for")), *Language.choices],
        widget=forms.Select(attrs={"class": "pr-input"}),
    )

    def __init__(self, data: Any = None, *, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial, label_suffix="")
        usual = (_("The business’s: %s") % settings.TIME_ZONE).replace("_", " ")
        self.fields["time_zone"].choices = [("", usual), *zones()]  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """`/admin/preferences/`: GET shows what is chosen, POST keeps it."""
    chosen = StaffPreference.objects.filter(pk=request.user.pk).first() or StaffPreference()
    form = PreferenceForm(
        request.POST or None, initial={"time_zone": chosen.time_zone, "language": chosen.language}
    )
    if request.method == "POST" and form.is_valid():
        row = _keep(request, **form.cleaned_data) if form.has_changed() else chosen
        with (
            translation.override(row.language or translation.get_language()),
            timezone.override(zone_of(row)),
        ):
            messages.success(request, _("Saved. Times are in %s.") % timezone.get_current_timezone_name())
        return HttpResponseRedirect(reverse("preferences"))
    request.current_app = admin.site.name
    context = {
        **admin.site.each_context(request),
        "title": _("Preferences"),
        "form": form,
        "usual": settings.TIME_ZONE,
    }
    return TemplateResponse(request, "config/preferences.html", context)


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """`/admin/language/`: the switch of the account menu; leads back to the page that it was on."""
    wanted = request.POST.get("language", "")
    if wanted in Language.values:
        _keep(request, language=wanted)
    back = request.headers.get("Referer", "")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(back if safe else reverse("admin:index"))


@lru_cache(maxsize=1)
def zones() -> Choices:
    """The places of the time zone database, by region."""
    names = sorted(zoneinfo.available_timezones())
    return [*((region, list(_places(region, names))) for region in REGIONS), ("UTC", [("UTC", "UTC")])]


def _places(region: str, names: Iterable[str]) -> Iterable[tuple[str, str]]:
    return ((name, name.replace("_", " ")) for name in names if name.startswith(f"{region}/"))


def _keep(request: HttpRequest, **chosen: str) -> StaffPreference:
    assert request.user.pk is not None  # behind admin_view
    row, _made = StaffPreference.objects.update_or_create(user_id=request.user.pk, defaults=chosen)
    return row
