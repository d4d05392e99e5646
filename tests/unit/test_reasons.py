"""A stored English reason is read in French; what is stored, what a person wrote and what nobody knows stay as they are."""

import itertools
from typing import Any

import pytest
from django.utils import translation

from consent.policy import Category, InForce, Scope, decide
from notifications.channels.meanings import TABLES, error_text, meaning
from notifications.channels.network import FAILURES
from notifications.reasons import FORMS, holes, reason_text
from notifications.story_words import error_in_a_sentence, error_words

CONSENTS = [
    decide(category=category, enabled=enabled, channel=channel)
    for category, enabled, channel in itertools.product(Category, (True, False, None), ("email", "inapp"))
]


@pytest.mark.parametrize(
    ("rule", "stored", "french"),
    [
        ("consent.revoked", "The customer switched reminder messages off here.", "« rappel »"),
        ("suppressed.hard_bounce", "The address is suppressed (hard bounce).", "bloquée (rejet définitif)"),
        ("suppressed.new", "The address is suppressed (something new).", "bloquée (something new)"),
        ("expired", "It was no longer useful after 2026-11-28 14:05 UTC.", "après le 2026-11-28 14:05 UTC."),
        (
            "expired",
            "Quiet hours came first. It is 23:10 for the recipient; it may go out from 08:00 (America/Moncton). "
            "It expires before that, at 2026-11-28 04:00 UTC.",
            "calmes sont venues avant. Il est 23:10 chez le destinataire ; il peut partir dès 08:00",
        ),
        (
            "quiet_hours",
            "It is 06:10 for the recipient; it may go out from 08:00 (America/Moncton, by the phone number).",
            "(America/Moncton, d’après le numéro de téléphone)",
        ),
        (
            "frequency_cap",
            "At most 4 marketing messages in 30 days may go to one recipient, and 4 went out or are ahead of this one.",
            "Au plus 4 messages « marketing » par destinataire en 30 jours",
        ),
        (
            "relevance.ended",
            "It no longer holds: The booking is on the moon.",
            ": The booking is on the moon.",
        ),
        ("settled", "The answer was lost, but the provider reports it delivered: it was sent.", "remis"),
    ],
)
def test_a_reason_is_told_in_french(rule: str, stored: str, french: str) -> None:
    with translation.override("fr"):
        assert french in reason_text(rule, stored)
    with translation.override("en"):
        assert reason_text(rule, stored) == stored


@pytest.mark.parametrize(
    ("rule", "stored"),
    [
        ("consent.revoked", "She phoned in."),
        ("a.rule.of.tomorrow", "Whatever it says."),
        ("cancelled", "Cancel"),  # a person's own word, though a button is called so
        ("consent.granted", ""),
    ],
)
def test_what_has_no_form_is_shown_as_it_is_stored(rule: str, stored: str) -> None:
    with translation.override("fr"):
        assert reason_text(rule, stored) == stored


@pytest.mark.parametrize("decision", CONSENTS, ids=lambda decision: decision.reason)
def test_every_answer_of_the_policy_has_a_form(decision: Any) -> None:
    with translation.override("fr"):
        assert reason_text(decision.rule, decision.reason) != decision.reason


def test_every_suppression_has_a_form() -> None:
    stopped = decide(
        category=Category.MARKETING,
        enabled=True,
        suppressions=[InForce(Scope.ALL, "opted_out")],
        channel="sms",
    )
    with translation.override("fr"):
        assert reason_text(stopped.rule, stopped.reason) == "L’adresse est bloquée (désabonné)."


def test_the_holes_of_a_reason_can_be_read() -> None:
    found = holes("quiet_hours", "It is 06:10 for the recipient; it may go out from 08:00 (America/Moncton).")
    assert found == {"clock": "06:10", "start": "08:00", "zone": "America/Moncton"}
    assert holes("quiet_hours", "It was written otherwise once.") == {}


def test_each_form_is_known_by_its_own_words() -> None:
    """A form that another one before it also fits would be told in the other's words."""
    with translation.override("fr"):
        for rule, forms in FORMS.items():
            told = [reason_text(rule, form) for form in forms]
            assert len(set(told)) == len(told), rule


ROWS = [row for table in TABLES.values() for row in table.values()] + [row for _, _, row in FAILURES]


def test_every_code_has_its_meaning_in_french() -> None:
    with translation.override("fr"):
        english = {row.meaning for row in ROWS}
        assert {text for text in english if translation.gettext(text) == text} == set()
        assert meaning(provider="twilio", code="21610") == "La personne a répondu STOP."
        text = error_text(provider="twilio", code="connect", error="No connection came about. Refused")
        assert text == "Aucune connexion ne s’est établie. Refused"
        assert error_text(provider="twilio", code="21610", error="Their words.") == "Their words."


@pytest.mark.parametrize(
    ("error", "french"),
    [
        ("503: SendGrid is not available.", "503: SendGrid n’est pas disponible."),
        ("outcome_unknown: timeout: No answer came in time.", "timeout: Aucune réponse n’est venue à temps."),
        ("connect: No connection came about. Refused", "connect: Aucune connexion ne s’est établie. Refused"),
        ("poison: 5 workers died holding it", "5 processus sont morts"),
        ("550: no such box", "550: no such box"),
        ("without a code", "without a code"),
    ],
)
def test_an_error_on_record_is_told_in_french(error: str, french: str) -> None:
    with translation.override("fr"):
        assert french in error_words(error)
    with translation.override("en"):
        assert error_words(error) == error


@pytest.mark.parametrize(
    ("error", "english", "french"),
    [
        (
            "outcome_unknown: timeout: No answer came in time.",
            "No answer came in time.",
            "Aucune réponse n’est venue à temps.",
        ),
        ("outcome_unknown: timeout", "No answer came in time.", "Aucune réponse n’est venue à temps."),
        (
            "connect: No connection came about. Refused",
            "No connection came about. Refused",
            "Aucune connexion ne s’est établie. Refused",
        ),
        (
            "503: SendGrid is not available.",
            "503: SendGrid is not available.",
            "503: SendGrid n’est pas disponible.",
        ),
        ("outcome_unknown: ValueError: It broke.", "ValueError: It broke.", "ValueError: It broke."),
        ("outcome_unknown", "outcome_unknown", "outcome_unknown"),
        ("", "", ""),
    ],
)
def test_within_a_sentence_our_own_codes_give_way_to_their_words(
    error: str, english: str, french: str
) -> None:
    assert error_in_a_sentence(error) == english
    with translation.override("fr"):
        assert error_in_a_sentence(error) == french
