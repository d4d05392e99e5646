"""Every address that Postroom answers: in, a path; out, the view of the app that owns it."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from config import api
from config.admin_home import live
from config.monitoring.page import metrics
from config.monitoring.probes import PROBES
from config.preferences import language, preferences
from config.two_step import two_step

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("favicon.ico", RedirectView.as_view(url=static("config/favicon.svg"))),
    path("admin/two-step/", admin.site.admin_view(two_step), name="two_step"),
    path("admin/preferences/", admin.site.admin_view(preferences), name="preferences"),
    path("admin/language/", admin.site.admin_view(language), name="language"),
    path("admin/home/", admin.site.admin_view(live), name="home_live"),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    *(path(name, view, name=name) for name, view in ((a.lstrip("/"), v) for a, v in PROBES.items())),
    path("metrics", metrics, name="metrics"),
    path("webhooks/", include("notifications.webhooks.urls")),
    path("", include("consent.urls")),
]
