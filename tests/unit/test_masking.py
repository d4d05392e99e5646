"""No address survives in what we store or log of a provider's words."""

import pytest

from notifications.masking import masked_recipient, redact


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
        ({}, "unknown recipient"),
    ],
)
def test_a_recipient_is_an_id_or_a_hint(to: dict[str, object], shown: str) -> None:
    assert masked_recipient(to) == shown
