"""Who may call the HTTP API: in, a name and scopes, or a reason; out, a token shown once, or one ended.

Nobody hands out a scope that their own permissions do not cover.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.audit import log_each
from notifications.admin.cells import moment
from notifications.admin.private import PrivateAdmin
from notifications.admin.reason import ReasonForm
from notifications.api.issuing import LONGEST_DAYS, TokenError, issue, revoke
from notifications.api.tokens import SCOPES
from notifications.models import ServiceToken

INPUT = {"class": "pr-input", "autocomplete": "off"}


class TokenForm(forms.Form):
    """A new token; which scopes can be chosen depends on who asks."""

    name = forms.CharField(
        label=_("Name"),
        max_length=60,
        help_text=_("Whose it is, as it stands in logs and in the queue: letters, digits, dots, dashes."),
        widget=forms.TextInput(attrs={**INPUT, "autofocus": True}),
    )
    scopes = forms.MultipleChoiceField(label=_("Scopes"), widget=forms.CheckboxSelectMultiple)
    days = forms.IntegerField(
        label=_("Days"),
        min_value=1,
        max_value=LONGEST_DAYS,
        required=False,
        initial=365,
        help_text=_("Empty: until somebody revokes it."),
        widget=forms.NumberInput(attrs=INPUT),
    )

    def __init__(self, request: HttpRequest, data: Any = None) -> None:
        super().__init__(data, label_suffix="")
        mine = [scope for scope, permission in SCOPES.items() if request.user.has_perm(permission)]
        self.fields["scopes"] = forms.MultipleChoiceField(
            label=_("Scopes"),
            choices=[(scope, scope) for scope in mine],
            widget=forms.CheckboxSelectMultiple,
            help_text=_("Only what your own permissions cover."),
        )


@admin.register(ServiceToken)
class ServiceTokenAdmin(PrivateAdmin[ServiceToken]):
    """The tokens by name. Their hashes are of no use to anybody, so no page shows them."""

    nothing_yet = _("No program calls the API yet. Make a token for each that shall.")
    list_display = ("name", "scopes_", "state", "created", "used")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    ordering = ("name", "-created_at")
    fields = (
        "name", "scopes_", "created_at", "created_by", "expires_at", "last_used_at", "revoked_at", "revoked_by",
        "revoke_reason", "revoke_link",
    )  # fmt: skip
    readonly_fields = ("scopes_", "created_at", "revoke_link")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.revoke_view)
        return [
            path("<uuid:pk>/revoke/", view, name="notifications_servicetoken_revoke"),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("notifications.add_servicetoken")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The answer to the POST shows the token. It is in no session and no message, and a reload makes no second one:
        the name is taken. Django's own header keeps admin pages out of every cache."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = TokenForm(request, request.POST if request.method == "POST" else None)
        if not form.is_valid():
            return self._page(request, "token_new.html", gettext("New service token"), form=form)
        asked = form.cleaned_data
        try:
            with transaction.atomic():
                issued = issue(
                    name=asked["name"],
                    scopes=asked["scopes"],
                    days=asked["days"],
                    by=f"staff:{request.user.pk}",
                    now=timezone.now(),
                )
                log_each(request, [issued.row], f"create: {'+'.join(issued.row.scopes)}")
        except TokenError as error:
            form.add_error(error.field, str(error))
            return self._page(request, "token_new.html", gettext("New service token"), form=form)
        return self._page(
            request, "token_made.html", issued.row.name, token=issued.token, original=issued.row
        )

    def revoke_view(self, request: HttpRequest, pk: str) -> HttpResponse:
        """A page that asks for the reason; its POST revokes."""
        if not _may_revoke(request):
            raise PermissionDenied
        row = get_object_or_404(ServiceToken, pk=pk)
        there = reverse("admin:notifications_servicetoken_change", args=[row.pk])
        if row.revoked_at:
            messages.info(request, gettext("This token was revoked already."))
            return HttpResponseRedirect(there)
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            title = gettext("Revoke this token?")
            return self._page(request, "token_revoke.html", title, form=form, original=row, back=there)
        with transaction.atomic():
            reason = form.cleaned_data["reason"]
            if revoke(row.name, by=f"staff:{request.user.pk}", reason=reason, now=timezone.now()):
                log_each(request, [row], f"revoke: {reason}")
        messages.success(request, gettext("The token is revoked: from now on it is refused."))
        return HttpResponseRedirect(there)

    @admin.display(description=_("scopes"))
    def scopes_(self, row: ServiceToken) -> str:
        return ", ".join(row.scopes)

    @admin.display(description=_("state"))
    def state(self, row: ServiceToken) -> str:
        if row.revoked_at:
            return gettext("revoked")
        over = row.expires_at is not None and row.expires_at <= timezone.now()
        return gettext("expired") if over else gettext("alive")

    @admin.display(description=_("created"))
    def created(self, row: ServiceToken) -> SafeString:
        return moment(row.created_at)

    @admin.display(description=_("last used"))
    def used(self, row: ServiceToken) -> SafeString:
        return moment(row.last_used_at)

    @admin.display(description=_("Revoke"))
    def revoke_link(self, row: ServiceToken) -> str:
        if row.revoked_at:
            return "–"
        url = reverse("admin:notifications_servicetoken_revoke", args=[row.pk])
        return format_html('<a class="pr-link" href="{}">{}</a>', url, gettext("Revoke this token…"))

    def get_fields(self, request: HttpRequest, obj: ServiceToken | None = None) -> Any:
        return self.fields if _may_revoke(request) else self.fields[:-1]

    def _page(self, request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
        request.current_app = self.admin_site.name
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        back = reverse("admin:notifications_servicetoken_changelist")
        return TemplateResponse(
            request, f"notifications/admin/{template}", {**shared, "back": back, **context}
        )


def _may_revoke(request: HttpRequest) -> bool:
    return request.user.has_perm("notifications.revoke_servicetoken")
