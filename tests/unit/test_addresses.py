"""Addresses in their three forms, and sealed text: what is one address stays one, and nothing leaks it."""

import re
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from consent.addresses import AddressError, blind_index, hint, mentions_address, normalise
from consent.checks import field_keys_are_strong
from consent.sealed import SealError, seal, unseal

OLD, NEW, OTHER = "o" * 40, "n" * 40, "x" * 40


@pytest.fixture(autouse=True)
def field_keys(settings: Any) -> None:
    settings.FIELD_KEYS = [OLD]


@pytest.mark.parametrize(
    ("channel", "typed", "normal"),
    [
        ("email", " Jane.Roe@Example.COM\n", "jane.roe@example.com"),
        ("email", "jane+news@example.com", "jane+news@example.com"),
        ("email", "j.a.n.e@gmail.com", "j.a.n.e@gmail.com"),
        ("email", "jane@STRASSE.example", "jane@strasse.example"),
        ("email", "jane@straße.example", "jane@xn--strae-oqa.example"),
        ("email", "jane@XN--strae-OQA.example", "jane@xn--strae-oqa.example"),
        ("email", "jane@cafe\u0301.example", "jane@xn--caf-dma.example"),  # e and a combining accent
        (
            "email",
            "o\u1fefhara@example.com",
            "o`hara@example.com",
        ),  # Unicode calls the two the same character
        ("sms", "506 555-0123", "+15065550123"),
        ("sms", "+1 (506) 555.0123", "+15065550123"),
        ("sms", "+33 6 12 34 56 78", "+33612345678"),
        ("sms", "+15005550006", "+15005550006"),  # Twilio's test number
        ("push", "https://push.example/AbC", "https://push.example/AbC"),
    ],
)
def test_one_address_has_one_spelling(channel: str, typed: str, normal: str) -> None:
    assert normalise(channel, typed) == normal


@pytest.mark.parametrize(
    ("channel", "typed", "code"),
    [
        ("email", "", "address.bad_email"),
        ("email", "jane", "address.bad_email"),
        ("email", "@example.com", "address.bad_email"),
        ("email", "jane@", "address.bad_email"),
        ("email", "Jane <jane@example.com>", "address.bad_email"),
        ("email", "jane@example.com, bob@example.com", "address.bad_email"),
        ("email", "jane@example.com\r\nBcc: bob@example.com", "address.bad_email"),
        ("email", '"jane\x01"@example.com', "address.bad_email"),
        ("email", "jané@example.com", "address.bad_email"),
        ("email", f"jane@{'é' * 70}.example", "address.bad_email"),
        ("email", f"{'j' * 320}@example.com", "address.bad_email"),
        ("sms", "", "address.bad_number"),
        ("sms", "911", "address.bad_number"),
        ("sms", "jane@example.com", "address.bad_number"),
        ("sms", "+1 506 555 01234", "address.bad_number"),
        ("sms", "+1 506 555 0123 ext. 9", "address.bad_number"),
        ("push", "", "address.bad_endpoint"),
        ("push", "javascript:alert(1)", "address.bad_endpoint"),
        ("push", "https://user@push.example/x", "address.bad_endpoint"),
        ("push", "https://[push.example/x", "address.bad_endpoint"),
        ("inapp", "anything", "address.no_channel"),
        ("fax", "5065550123", "address.no_channel"),
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(channel: str, typed: str, code: str) -> None:
    with pytest.raises(AddressError) as refused:
        normalise(channel, typed)
    assert refused.value.code == code
    for part in re.findall(r"[\w.+-]{4,}", typed):
        assert part not in str(refused.value) or part == channel
    assert refused.value.__cause__ is None  # Django's and idna's own errors repeat the address


@given(st.text(max_size=80))
def test_an_email_address_is_normal_after_one_pass(text: str) -> None:
    try:
        normal = normalise("email", text)
    except AddressError:
        return
    assert normalise("email", normal) == normal


@given(
    st.emails(domains=st.sampled_from(["example.com", "Mail.Example.org", "bücher.example"])),
)
def test_case_and_space_around_never_make_another_person(address: str) -> None:
    try:
        plain = blind_index("email", address)
    except AddressError:
        return  # RFC 5321 allows local parts that no provider and no validator takes
    assert blind_index("email", f" {address.upper()} ") == plain


def test_dots_and_tags_make_another_person() -> None:
    spellings = ["jane.roe@example.com", "janeroe@example.com", "janeroe+a@example.com"]
    assert len({blind_index("email", spelling) for spelling in spellings}) == 3


def test_the_index_is_a_keyed_hash_of_channel_and_address(settings: Any) -> None:
    index = blind_index("email", "jane@example.com")
    assert re.fullmatch(r"[0-9a-f]{64}", index)
    settings.FIELD_KEYS = [OTHER]
    assert blind_index("email", "jane@example.com") != index


def test_what_an_earlier_release_stored_is_still_found_and_read() -> None:
    """Made once with this key: an index can't be recomputed without the address, nor a text read with another key."""
    stored = "738e47900ce7c3f94eaf1200c728f4ee4477658eef414f298f2d7b725ab026ef"
    assert blind_index("email", "jane@example.com") == stored
    sealed = (
        "gAAAAABrA4b6L9fMMPBUHmr6R2IbPr2ImjtY15S1whoVHuYmGPswURJPjR-YeQoAgbGX7LldvW5Rio-3pA122cmFmfMDAP9nycafuBM1"
        "9ww5J2NHBShE4f8="
    )
    assert unseal(sealed) == "jané@example.com"


def test_the_index_stays_while_new_keys_come_in_front(settings: Any) -> None:
    index = blind_index("sms", "506 555 0123")
    settings.FIELD_KEYS = [NEW, OLD]
    assert blind_index("sms", "506 555 0123") == index


@pytest.mark.parametrize(
    ("channel", "address", "mask"),
    [
        ("email", "jane.roe@gmail.com", "j•••@g•••.com"),
        ("email", "Jane.Roe@Mail.Example.ORG", "j•••@m•••.org"),
        ("email", "a@b.co", "a•••@b•••.co"),
        ("email", "root@localhost", "r•••@l•••"),
        ("sms", "+1 506 555 1234", "+1•••••1234"),
        ("sms", "+33612345678", "+33•••••5678"),
        ("sms", "+290 22158", "+290•••••58"),  # Saint Helena: four digits would be most of it
        ("push", "https://fcm.googleapis.com/fcm/send/secret", "https://fcm.googleapis.com"),
        ("email", "not an address", "•••"),
        ("inapp", "anything", "•••"),
    ],
)
def test_a_mask_shows_enough_to_recognise_and_too_little_to_write_to(
    channel: str, address: str, mask: str
) -> None:
    assert hint(channel, address) == mask


@given(st.sampled_from(["email", "sms", "push", "inapp"]), st.text(max_size=40))
def test_a_mask_never_fails(channel: str, text: str) -> None:
    assert hint(channel, text)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("She asked on the phone on 2026-03-01", False),
        ("Booking BK-104233 was cancelled, 3 calls", False),
        ("Write to jane@example.com", True),
        ("Call (506) 555-0123 first", True),
        ("Call +33 6 12 34 56 78 first", True),
    ],
)
def test_addresses_inside_a_sentence_are_noticed(text: str, held: bool) -> None:
    assert mentions_address(text) is held


def test_sealed_text_comes_back_and_shows_nothing() -> None:
    token = seal("jané@example.com")
    assert "jan" not in token
    assert unseal(token) == "jané@example.com"
    assert seal("jané@example.com") != token


def test_the_newest_key_seals_and_every_key_opens(settings: Any) -> None:
    before = seal("jane")
    settings.FIELD_KEYS = [NEW, OLD]
    after = seal("jane")
    assert unseal(before) == "jane"
    settings.FIELD_KEYS = [NEW]
    assert unseal(after) == "jane"
    with pytest.raises(SealError, match="FIELD_KEYS"):
        unseal(before)


@pytest.mark.parametrize(
    "token",
    ["", "plain text", "ü", Fernet(Fernet.generate_key()).encrypt(b"jane").decode()],
    ids=["empty", "plain", "accent", "foreign key"],
)
def test_what_no_key_opens_is_an_error_and_never_comes_back_as_it_was(token: str) -> None:
    with pytest.raises(SealError) as refused:
        unseal(token)
    assert not token or token not in str(refused.value)


def test_an_altered_token_is_refused() -> None:
    token = seal("jane")
    with pytest.raises(SealError):
        unseal(token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1])


def test_index_and_encryption_use_different_keys() -> None:
    from consent.field_keys import encryption_keys, index_key

    assert index_key() not in encryption_keys()


def test_no_key_at_all_is_named(settings: Any) -> None:
    settings.FIELD_KEYS = []
    for use in (lambda: seal("jane"), lambda: blind_index("email", "jane@example.com")):
        with pytest.raises(ImproperlyConfigured, match="FIELD_KEYS"):
            use()


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ([], ["consent.E001"]),
        (["short"], ["consent.E002"]),
        ([NEW, "short", "k" * 31], ["consent.E002", "consent.E002"]),
        ([NEW, OLD], []),
        (["k" * 32], []),
    ],
)
def test_the_system_check_names_missing_and_short_keys(
    settings: Any, keys: list[str], found: list[str]
) -> None:
    settings.FIELD_KEYS = keys
    problems = field_keys_are_strong(None)
    assert [problem.id for problem in problems] == found
    for problem in problems:
        assert "FIELD_KEYS" in problem.msg
        assert not any(key in problem.msg for key in keys)
