"""The public addresses of consent: in, a token in the path; out, its page. No login, no slash at the end."""

from django.urls import path

from consent.views import preferences, unsubscribe

app_name = "consent"
urlpatterns = [
    path("u/<str:token>", unsubscribe, name="unsubscribe"),
    path("preferences/<str:token>", preferences, name="preferences"),
]
