"""The admin's sidebar: in, a request; out, the pages its user may see, in the order of an operator's day.

A page is named by its model. One that is registered but not listed here comes under «More», so that none gets lost.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.dataclasses import SearchResult

from consent.admin_base import ModelAdmin

Page = tuple[str, str, "Promise | None"]

GROUPS: tuple[tuple[Promise, tuple[Page, ...]], ...] = (
    (
        _("Messages"),
        (
            ("notifications.notification", "outgoing_mail", _("Queue")),
            ("notifications.bulkact", "playlist_add_check", None),
            ("notifications.notificationhistory", "history", None),
            ("notifications.channelstate", "alt_route", _("Channels")),
            ("notifications.inboundtext", "sms", None),
            ("notifications.inboxitem", "inbox", _("In-app inboxes")),
            ("notifications.deliveryattempt", "swap_vert", None),
            ("notifications.providerevent", "webhook", None),
            ("notifications.pushsubscription", "devices", None),
        ),
    ),
    (
        _("Templates"),
        (
            ("templates_app.notificationtemplate", "article", None),
            ("templates_app.notificationtemplateversion", "history_edu", None),
            ("templates_app.templatepartial", "extension", None),
        ),
    ),
    (
        _("Consent"),
        (
            ("consent.customerconsent", "how_to_reg", None),
            ("consent.consentevent", "receipt_long", None),
            ("consent.suppression", "block", None),
            ("consent.unsubscribetoken", "link_off", None),
            ("notifications.datarequest", "folder_shared", _("Personal data")),
        ),
    ),
    (_("Jobs"), (("jobs.jobrun", "work_history", None),)),
    (
        _("Business"),
        (
            ("rentals.customer", "group", None),
            ("rentals.booking", "event", None),
            ("rentals.equipment", "agriculture", None),
            ("rentals.contract", "contract", None),
            ("rentals.insurancedocument", "verified_user", None),
            ("rentals.installmentschedule", "event_repeat", None),
            ("rentals.payoutreconciliation", "account_balance", None),
            ("rentals.promorule", "sell", None),
            ("rentals.customersegment", "group_work", None),
            ("rentals.customersegmentmember", "group_add", None),
            ("rentals.supportticket", "support_agent", None),
        ),
    ),
    (
        _("Workshop"),
        (
            ("rentals.maintenancelog", "build", None),
            ("rentals.maintenancealert", "engineering", None),
            ("rentals.telematicssnapshot", "sensors", None),
            ("rentals.equipmentutilization", "percent", None),
        ),
    ),
    (
        _("Watch"),
        (
            ("rentals.alert", "notification_important", None),
            ("rentals.securityincident", "security", None),
            ("rentals.auditevent", "shield", None),
            ("rentals.viewstate", "monitoring", None),
            ("rentals.viewrefreshrequest", "update", None),
        ),
    ),
    (
        _("Access"),
        (
            ("auth.user", "person", None),
            ("auth.group", "groups", None),
            ("notifications.servicetoken", "key", None),
            ("config.auditentry", "policy", None),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """What unfold's `SIDEBAR.navigation` wants: groups of links. Groups without a page are left out."""
    pages = {model._meta.label_lower: page for model, page in admin.site._registry.items()}  # noqa: SLF001
    listed = {name for _title, group in GROUPS for name, _icon, _text in group}
    others = tuple((name, "table", None) for name in sorted(pages.keys() - listed))
    home = {
        "title": _("Home"),
        "icon": "space_dashboard",
        "link": reverse("admin:index"),
        "active": request.path == reverse("admin:index"),
    }
    groups: list[dict[str, Any]] = [{"title": "", "items": [home]}]
    for title, group in (*GROUPS, (_("More"), others)):
        if items := list(_items(request, pages, group)):
            groups.append({"title": title, "items": items, "separator": True})
    return groups


def found(request: HttpRequest, term: str) -> list[SearchResult]:
    """unfold's `COMMAND.search_callback`: pages by what the sidebar calls them, where that is not the rows' own name."""
    pages = {model._meta.label_lower: page for model, page in admin.site._registry.items()}  # noqa: SLF001
    return [
        SearchResult(title=str(item["title"]), description=str(title), link=item["link"], icon=item["icon"])
        for title, group in GROUPS
        for item in _items(request, pages, [page for page in group if page[2] is not None])
        if term in str(item["title"]).lower()
    ]


def _items(
    request: HttpRequest, pages: dict[str, ModelAdmin[Model]], group: Iterable[Page]
) -> Iterable[dict[str, Any]]:
    for name, icon, title in group:
        page = pages.get(name)
        # The page's own rule decides, so that a link never leads to a refusal.
        if page is None or not page.has_view_or_change_permission(request):
            continue
        opts = page.opts
        link = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
        yield {
            "title": title or capfirst(opts.verbose_name_plural),
            "icon": icon,
            "link": link,
            "active": request.path.startswith(link),
        }
