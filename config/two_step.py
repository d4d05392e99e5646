"""One's own second factor: in, a member of staff; out, an app set up, recovery codes shown once, or the factor taken away.

Whoever changes it shows a code first, so that an unlocked screen is not enough.
"""

from collections.abc import Sequence
from typing import Any

import segno
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from config.counting import give_back
from config.login import check_code_limit
from config.second_factor import (
    accepts,
    begin,
    confirm,
    confirmed,
    enrolment,
    remove,
    renew_recovery,
    write_down,
)
from config.two_step_gate import remember


class CodeForm(forms.Form):
    """One code."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=20,
        widget=forms.TextInput(
            attrs={
                "class": "pr-input",
                "autocomplete": "one-time-code",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, label_suffix="")


@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def two_step(request: HttpRequest) -> HttpResponse:
    """`/admin/two-step/`. GET shows how it stands; POST does what its button says."""
    act = ACTS.get(request.POST.get("act", "")) if request.method == "POST" else None
    return act(request) if act else _page(request, CodeForm())


def _begin(request: HttpRequest) -> HttpResponse:
    begin(_user(request))
    return HttpResponseRedirect(reverse("two_step"))


def _confirm(request: HttpRequest) -> HttpResponse:
    form, user = CodeForm(request.POST), _user(request)
    codes: Sequence[str] = ()
    if _is_in_time(form, user):
        codes = confirm(user, form.cleaned_data["code"])
    factor = confirmed(user)
    if not codes or factor is None:
        return _wrong(request, form)
    give_back("codes_of_one", str(user.pk))
    request.session.cycle_key()
    remember(request, factor)
    write_down(_user(request), "set up a second factor")
    return _page(request, CodeForm(), codes=codes)


def _renew(request: HttpRequest) -> HttpResponse:
    form = CodeForm(request.POST)
    if not _shown(request, form):
        return _wrong(request, form)
    write_down(_user(request), "made new recovery codes")
    return _page(request, CodeForm(), codes=renew_recovery(_user(request)))


def _remove(request: HttpRequest) -> HttpResponse:
    form = CodeForm(request.POST)
    if settings.REQUIRE_SECOND_FACTOR:
        return _page(request, form)
    if not _shown(request, form):
        return _wrong(request, form)
    remove(_user(request))
    write_down(_user(request), "removed the second factor")
    messages.success(request, _("Signing in takes your password alone again."))
    return HttpResponseRedirect(reverse("two_step"))


ACTS = {"begin": _begin, "confirm": _confirm, "renew": _renew, "remove": _remove}


def _shown(request: HttpRequest, form: CodeForm) -> bool:
    """Did they show a right code of the factor in force?"""
    user = _user(request)
    factor = confirmed(user)
    if factor is None or not _is_in_time(form, user) or not accepts(factor, form.cleaned_data["code"]):
        return False
    give_back("codes_of_one", str(user.pk))
    return True


def _is_in_time(form: CodeForm, user: User) -> bool:
    if not form.is_valid():
        return False
    try:
        check_code_limit(user)
    except ValidationError as error:
        form.add_error("code", error)
    return form.is_valid()


def _wrong(request: HttpRequest, form: CodeForm) -> HttpResponse:
    if form.is_valid():
        form.add_error("code", _("This code is wrong, or was used already."))
    return _page(request, form)


def _page(request: HttpRequest, form: CodeForm, *, codes: Sequence[str] = ()) -> HttpResponse:
    user = _user(request)
    factor, waiting = confirmed(user), enrolment(user)
    request.current_app = admin.site.name
    context = {
        **admin.site.each_context(request),
        "title": _("Two-step sign-in"),
        "form": form,
        "factor": factor,
        "left": len(factor.recovery) if factor else 0,
        "waiting": waiting,
        "picture": segno.make(waiting.uri, error="m").svg_data_uri(scale=5, light="white") if waiting else "",
        "codes": codes,
        "required": settings.REQUIRE_SECOND_FACTOR,
    }
    return TemplateResponse(request, "config/two_step.html", context)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # behind admin_view
    return request.user
