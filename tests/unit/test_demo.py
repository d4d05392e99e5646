"""The demo's providers report to addresses that the site answers."""

from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.urls import resolve

from config.demo import LOGIN, ROLE_LOGINS, Addresses, prepare_database, sandbox_command
from config.roles import Role


def test_what_the_sandbox_calls_is_answered_by_us() -> None:
    command = sandbox_command(Addresses(web="http://127.0.0.1:8000", sandbox="http://127.0.0.1:8025"), port=0)
    options = dict(pairwise(command))
    for option, view in (("--webhook-url", "sendgrid_events"), ("--inbound-url", "twilio_inbound")):
        assert resolve(urlsplit(options[option]).path).url_name == view
    assert "--status-callbacks" in command


@pytest.mark.django_db
def test_there_is_a_login_for_each_role_with_nothing_but_that_role() -> None:
    for _ in range(2):
        prepare_database(lambda _text: None)
    assert len(ROLE_LOGINS) == len(Role)
    for name, role in ROLE_LOGINS.items():
        user = User.objects.get(username=name)
        assert (user.is_superuser, user.is_staff) == (False, True)
        assert set(user.groups.values_list("name", flat=True)) == {role}
    assert User.objects.get(username=LOGIN).is_superuser
