"""How the admin looks: in, whether this is a sandbox; out, unfold's settings."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def unfold(*, sandbox: bool) -> dict[str, Any]:
    """https://unfoldadmin.com/docs/configuration/settings/"""
    return {
        "SITE_TITLE": "Postroom",
        "SITE_HEADER": "Postroom",
        "SITE_SUBHEADER": _("Notifications and jobs"),
        "SITE_SYMBOL": "outgoing_mail",
        "SITE_URL": reverse_lazy("admin:index"),
        "SHOW_VIEW_ON_SITE": False,
        "ENVIRONMENT": [_("Sandbox"), "warning"] if sandbox else None,
        "DASHBOARD_CALLBACK": "config.admin_home.dashboard",
        "SIDEBAR": {"navigation": "config.admin_navigation.navigation"},
        "SITE_FAVICONS": [
            {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("config/favicon.svg")}
        ],
        "STYLES": [lambda _request: static("consent/live.css"), lambda _request: static("config/admin.css")],
        "SCRIPTS": [lambda _request: static("consent/live.js")],
        "LOGIN": {"form": "config.login.LoginForm"},
        "ACCOUNT": {"navigation": [{"title": _("Two-step sign-in"), "link": reverse_lazy("two_step")}]},
        "COLORS": {"primary": _BLUE},
    }


_BLUE = {
    "50": "#eff6ff",
    "100": "#dbeafe",
    "200": "#bfdbfe",
    "300": "#93c5fd",
    "400": "#60a5fa",
    "500": "#3b82f6",
    "600": "#2563eb",
    "700": "#1d4ed8",
    "800": "#1e40af",
    "900": "#1e3a8a",
    "950": "#172554",
}
