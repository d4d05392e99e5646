"""The story in French for who reads French, and the same English as ever for programs and scripts."""

import datetime as dt
import json
import re
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone, translation

from consent.addresses import blind_index
from consent.preferences import revoke
from consent.suppress import suppress
from notifications.cancel import cancel
from notifications.channel_state import pause
from notifications.models import Notification
from notifications.origin import origin
from notifications.replay import replay
from notifications.story import story
from notifications.webhooks.apply import apply_waiting
from notifications.worker import drain
from sandbox.testing import SandboxServer
from tests.factories import CustomerFactory
from tests.integration.api_client import staff
from tests.messages import fresh, queued
from tests.notification_factories import ProviderEventFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]
# What is only ever said in English, in a sentence that has no French.
ENGLISH = re.compile(
    r"\b(the|was|is|by|when|asked|allowed|withheld|attempt|waits|until|customer|rule)\b", re.IGNORECASE
)


def told(row: Notification) -> str:
    with translation.override("fr"):
        return "\n".join(event.text for event in story(fresh(row)))


def test_a_message_that_failed_was_replayed_and_bounced(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create(email="gone@example.com")
    with origin(job="booking_reminders", run="r1", trigger="schedule"):
        row = queued(customer)
    sandbox.behave("sendgrid", status=503, times=3)
    for hours in range(3):
        drain(now=timezone.now() + dt.timedelta(hours=2 * hours))
    replay([row.pk], by="staff:7", reason="Le fournisseur va mieux.")
    drain(now=timezone.now() + dt.timedelta(days=1))
    ProviderEventFactory.create(
        event_type="bounced", code="bounce", notification_id=row.pk, detail={},
        address_hmac=blind_index("email", "gone@example.com"), address_hint="g•••@e•••.com",
    )  # fmt: skip
    apply_waiting()
    text = told(row)
    assert ENGLISH.findall(text) == [], text
    for sentence in (
        "Demandé par la tâche booking_reminders, exécution r1",
        "Permis à la mise en file : Les messages « rappel » n’ont pas été désactivés.",
        "échec passager (503: request: service unavailable). SendGrid n’est pas disponible.",
        "Rejoué par staff:7: Le fournisseur va mieux.",
        "La boîte refuse le courrier pour de bon. L’adresse est donc bloquée (rejet définitif).",
        "Envoyé : le fournisseur l’a accepté le ",
    ):
        assert sentence in text, text


def test_what_was_withheld_and_what_waits(sandbox: SandboxServer, settings: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "QUIET_HOURS": {"reminder": {"sms": "08:00-21:00"}}}
    said, dead, late, due = CustomerFactory.create_batch(4, timezone="America/Moncton")
    revoke(
        customer_id=str(said.pk), channel="email", category="reminder", source="admin", actor="staff:1",
        at=timezone.now(), wording="Rappels",
    )  # fmt: skip
    suppress(channel="email", address=dead.email, reason="complaint")
    night = timezone.now().replace(hour=6, minute=0) + dt.timedelta(days=1)  # 2 or 3 o'clock in Moncton
    rows = [queued(said), queued(dead), queued(late, channel="sms", scheduled_at=night), queued(due)]
    cancelled = queued()
    cancel([cancelled.pk], by="staff:3", reason="Mauvaise date.")
    pause("email", until=None, reason="Nous changeons d’expéditeur.", by="staff:7")
    texts = [told(row) for row in (*rows, cancelled)]
    assert [ENGLISH.findall(text) for text in texts] == [[]] * 5, texts
    assert "D’après l’événement de consentement" in texts[0]
    assert "L’adresse est bloquée (plainte)." in texts[1]
    assert "chez le destinataire ; il peut partir dès 08:00 (America/Moncton)" in texts[2]
    assert "le canal est arrêté par staff:7 jusqu’à ce que quelqu’un le reprenne" in texts[3]
    assert "Non envoyé : Mauvaise date." in texts[4]


def test_programs_and_scripts_read_english_whatever_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    row = queued()
    client = staff("notifications.view_notification")
    with translation.override("fr"):
        call_command("explain_notification", str(row.pk), json=True)
        by_command = json.loads(capsys.readouterr().out)
        answer = client.get(f"/api/admin/notifications/{row.pk}", headers={"Accept-Language": "fr"}).json()
    texts = [event["text"] for event in by_command["story"]]
    assert texts[1].startswith("Allowed when it was queued: Reminder messages were not switched off.")
    assert [event["text"] for event in answer["data"]["timeline"]] == texts
    assert by_command["decisions"][0]["reason"] == "Reminder messages were not switched off."
