"""Every address that Postroom answers: in, a path; out, the view of the app that owns it."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("", include("consent.urls")),
]
