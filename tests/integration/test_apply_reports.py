"""`manage.py apply_reports` and the gauge: what waits is applied, what is stuck is counted and tried again when told to."""

import json

import pytest
from django.core.management import CommandError, call_command

from notifications.models import ProviderEvent
from notifications.webhooks.apply import TRIES, Standing, unapplied
from tests.notification_factories import ProviderEventFactory

pytestmark = pytest.mark.django_db


def test_it_applies_what_waits_and_says_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    ProviderEventFactory.create_batch(3)
    ProviderEventFactory.create(attempts=TRIES)
    assert unapplied() == Standing(waiting=3, stuck=1)
    call_command("apply_reports", "--json")
    assert json.loads(capsys.readouterr().out) == {
        "tried_again": 0, "applied": 3, "failed": 0, "waiting": 0, "stuck": 1,
    }  # fmt: skip


def test_what_is_stuck_is_tried_again_when_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    event = ProviderEventFactory.create(attempts=TRIES, error="KeyError in draw")
    call_command("apply_reports", "--stuck")
    assert "Applied 1, failed 0; 0 wait to be tried, 0 wait for a person." in capsys.readouterr().out
    assert ProviderEvent.objects.get(pk=event.pk).applied_at is not None


@pytest.mark.parametrize("budget", ["0", "-1", "3601", "nan"])
def test_a_budget_that_cannot_be_is_refused(budget: str) -> None:
    with pytest.raises(CommandError, match="--budget takes seconds"):
        call_command("apply_reports", "--budget", budget)
