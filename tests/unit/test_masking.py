"""No address survives in what we store or log of a provider's words."""

import pytest

from notifications.masking import masked_recipient, redact, sentence_of, without_addresses, words_of
from notifications.traceback_of import traceback_of


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("The 'To' number +15005550001 is not valid", "The 'To' number [number] is not valid"),
        ("Bad address jane.doe+x@example.co.uk.", "Bad address [e-mail]"),
        ("see https://fcm.googleapis.com/send/AbC-123?x=1 now", "see [url] now"),
        ('{"email":"a@b.ca"}', '{"email":"[e-mail]"}'),
        ("(506) 555-0123 called", "([number] called"),
        ("error 21211", "error 21211"),
        (
            "3 12345678-1234-4234-8234-123456789012, 5065550123",
            "3 12345678-1234-4234-8234-123456789012, [number]",
        ),
        ("x12345678-1234-4234-8234-123456789012", "x[number]"),
    ],
)
def test_addresses_become_words(said: str, kept: str) -> None:
    assert redact(said) == kept


def test_long_texts_are_cut_and_lines_joined() -> None:
    assert redact("a\n b") == "a b"
    assert len(redact("x" * 9999)) == 500


@pytest.mark.parametrize(
    ("to", "shown"),
    [
        ({"customer_id": "42"}, "customer 42"),
        ({"staff_id": "7"}, "staff 7"),
        ({"address": {"hint": "j•••@e•••.com", "sealed": "gAAA"}}, "j•••@e•••.com"),
        ({}, "somebody no longer on record"),
    ],
)
def test_a_recipient_is_an_id_or_a_hint(to: dict[str, object], shown: str) -> None:
    assert masked_recipient(to) == shown


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("invalid literal for int() with base 10: 'Anna'", "invalid literal for int() with base 10: …"),
        ("('Anna', \"O'Hara\", 7)", "(…, …, 7)"),
        ("b'Anna' is no JSON", "… is no JSON"),
        ("'cus_9f2' is unknown", "… is unknown"),
        ('violates unique constraint "customers_email"', 'violates unique constraint "customers_email"'),
        (
            'cannot refresh materialized view "public.mv_support_sla" concurrently',
            'cannot refresh materialized view "public.mv_support_sla" concurrently',
        ),
        ('invalid input syntax for type uuid: "Anna"', "invalid input syntax for type uuid: …"),
        ("It doesn't answer and won't", "It doesn't answer and won't"),
        ("There is no job “probe”.", "There is no job “probe”."),
        ("refused\nDETAIL:  Failing row contains (7, Anna).", "refused"),
        ("", ""),
    ],
)
def test_an_exception_keeps_its_words_and_loses_what_it_quotes(said: str, kept: str) -> None:
    assert words_of(ValueError(said)) == kept


def test_a_sentence_begins_with_the_class() -> None:
    assert sentence_of(KeyError("Anna")) == "KeyError: …"
    assert sentence_of(ValueError()) == "ValueError"


def test_a_traceback_shows_every_link_of_the_chain_and_no_value() -> None:
    row = ("Anna", "anna@example.com")
    try:
        try:
            raise KeyError(row)
        except KeyError as first:
            raise ValueError(f"no {row[1]}") from first
    except ValueError as error:
        text = traceback_of(error)
    assert text.index("KeyError: (…, …)") < text.index("ValueError: no [e-mail]")
    assert "test_masking.py" in text
    assert "anna" not in text.lower()


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("Not Found: /u/AbC-123_x", "Not Found: /u/[token]"),
        ("Gone: /confirm/AbC-123_x", "Gone: /confirm/[token]"),
        ("GET /preferences/AbC-123_x?locale=fr 200", "GET /preferences/[token]?locale=fr 200"),
        ("to a@b.ca now", "to [e-mail] now"),
        ("notification.sent id=7 attempt=1", "notification.sent id=7 attempt=1"),
    ],
)
def test_a_line_of_a_log_names_nobody(line: str, kept: str) -> None:
    assert without_addresses(line) == kept
