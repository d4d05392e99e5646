"""The public addresses of consent: in, a token in the path; out, its page. No login, no slash at the end."""

from django.urls import path

from consent.confirm_page import confirm_consent
from consent.views import preferences, unsubscribe

app_name = "consent"
urlpatterns = [
    path("u/<str:token>", unsubscribe, name="unsubscribe"),
    path("confirm/<str:token>", confirm_consent, name="confirm"),
    path("preferences/<str:token>", preferences, name="preferences"),
]
