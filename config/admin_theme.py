"""How the admin looks: in, whether this is a sandbox; out, unfold's settings."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
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
        "SIDEBAR": {
            "navigation": "config.admin_navigation.navigation",
            "show_search": True,
            "command_search": True,
        },
        # Ctrl-K finds pages by their names, and reads no table.
        "COMMAND": {"search_callback": "config.admin_navigation.found"},
        "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _file("config/favicon.svg")}],
        "STYLES": [_file("consent/live.css"), _file("notifications/admin.css"), _file("config/admin.css")],
        "SCRIPTS": [
            _file("consent/live.js"),
            _file("config/reader.js"),
            _file("config/icons.js"),
            _file("config/cards.js"),
        ],
        "LOGIN": {"form": "config.login.LoginForm"},
        "ACCOUNT": {
            "navigation": [
                {"title": _("Preferences"), "link": reverse_lazy("preferences")},
                {"title": _("Two-step sign-in"), "link": reverse_lazy("two_step")},
                {"title": _("Change password"), "link": reverse_lazy("admin:password_change")},
            ]
        },
        "SHOW_LANGUAGES": True,
        "LANGUAGES": {"action": reverse_lazy("language")},
        "COLORS": {"primary": _BLUE},
    }


def _file(path: str) -> Callable[[HttpRequest], str]:
    """unfold asks late, once the files' names are known."""
    return lambda _request: static(path)


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
