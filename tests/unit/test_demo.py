"""The demo's providers report to addresses that the site answers."""

from itertools import pairwise
from urllib.parse import urlsplit

from django.urls import resolve

from config.demo import Addresses, sandbox_command


def test_what_the_sandbox_calls_is_answered_by_us() -> None:
    command = sandbox_command(Addresses(web="http://127.0.0.1:8000", sandbox="http://127.0.0.1:8025"), port=0)
    options = dict(pairwise(command))
    for option, view in (("--webhook-url", "sendgrid_events"), ("--inbound-url", "twilio_inbound")):
        assert resolve(urlsplit(options[option]).path).url_name == view
    assert "--status-callbacks" in command
