"""Where providers report to: in, a path below /webhooks/; out, its view."""

from django.urls import URLPattern, path

from notifications.webhooks.sendgrid_events import sendgrid_events
from notifications.webhooks.twilio_inbound import twilio_inbound
from notifications.webhooks.twilio_status import twilio_status

app_name = "webhooks"
urlpatterns: list[URLPattern] = [
    path("sendgrid/", sendgrid_events, name="sendgrid_events"),
    path("twilio/inbound/", twilio_inbound, name="twilio_inbound"),
    path("twilio/status/", twilio_status, name="twilio_status"),
]
