"""Facts in words: what a payload may hold by type, and how it reads in each language and time zone."""

from typing import Any

import pytest

from templates_app.formats import in_words, is_valid
from templates_app.placeholders import Placeholder, payload_problems
from templates_app.segments import economical, segments


def says(kind: str, value: Any, locale: str, zone: str = "America/Moncton") -> str:
    return str(in_words(kind, value, locale=locale, zone=zone)).replace("\xa0", " ")


def test_a_date_reads_in_the_language_of_its_reader() -> None:
    assert says("date", "2026-11-24", "en") == "Tuesday, November 24, 2026"
    assert says("date", "2026-11-24", "fr_CA") == "mardi 24 novembre 2026"
    assert says("date", "2026-08-01", "fr") == "samedi 1er août 2026"
    assert in_words("date", "2026-11-24", locale="en", zone="")["short"] == "Tue, Nov 24"
    assert in_words("date", "2026-11-01", locale="fr", zone="")["short"] == "1er novembre"


def test_a_language_without_rules_of_ours_reads_as_django_writes_it() -> None:
    assert says("date", "2026-11-24", "es") == "24 de noviembre de 2026"


def test_a_moment_reads_in_the_time_zone_of_its_reader() -> None:
    moment = "2026-11-24T13:30:00+00:00"
    assert says("datetime", moment, "en") == "Tuesday, November 24, 2026 at 9:30 AM"
    assert says("datetime", moment, "fr") == "mardi 24 novembre 2026 à 9 h 30"
    assert says("datetime", moment, "en", "America/Vancouver") == "Tuesday, November 24, 2026 at 5:30 AM"
    # Across the date line of a day: still the 24th in UTC, the 25th in Tokyo.
    assert (
        says("datetime", "2026-11-24T23:00:00Z", "en", "Asia/Tokyo") == "Wednesday, November 25, 2026 at 8 AM"
    )


def test_the_offset_of_a_day_is_that_days_own() -> None:
    assert says("datetime", "2026-07-01T13:00:00Z", "en") == "Wednesday, July 1, 2026 at 10 AM"


def test_an_unknown_time_zone_is_the_companys() -> None:
    assert says("datetime", "2026-11-24T13:30:00Z", "en", "Mars/Olympus").endswith("9:30 AM")


def test_the_pieces_of_a_moment() -> None:
    words = in_words("datetime", "2026-11-24T16:00:00Z", locale="en", zone="America/Moncton")
    assert (words["time"], words["short"]) == ("12 PM", "Tue, Nov 24, 12 PM")


@pytest.mark.parametrize(
    ("currency", "locale", "text"),
    [
        ("CAD", "en", "$1,250.50"),
        ("CAD", "fr", "1 250,50 $"),
        ("USD", "en", "US$1,250.50"),
        ("USD", "fr", "1 250,50 $ US"),
        ("CHF", "en", "CHF 1,250.50"),
    ],
)
def test_money_reads_as_a_canadian_writes_it(currency: str, locale: str, text: str) -> None:
    assert says("money", {"amount": "1250.5", "currency": currency}, locale) == text


def test_yen_have_no_cents() -> None:
    assert says("money", {"amount": "46578.00", "currency": "JPY"}, "en") == "JPY 46,578"


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("text", ["x", 3, 2.5], ["", " ", None, True, [], {}]),
        (
            "date",
            ["2026-02-28"],
            ["2026-02-30", "20260228", "2026-W09-6", "24 Nov", 20261124, "2026-02-28T00:00:00"],
        ),
        (
            "datetime",
            ["2026-11-24T09:30:00-04:00", "2026-11-24T13:30:00Z"],
            ["2026-11-24T09:30:00", "2026-11-24", "soon", 1],
        ),
        (
            "money",
            [{"amount": "500.00", "currency": "CAD"}],
            [
                "500",
                {"amount": 500, "currency": "CAD"},
                {"amount": "NaN", "currency": "CAD"},
                {"amount": "x", "currency": "CAD"},
                {"amount": "5", "currency": "cad"},
                {"amount": "5"},
            ],
        ),
        (
            "url",
            ["https://rental.example/b/1?x=%20", "http://127.0.0.1:8000/"],
            [
                "javascript:alert(1)",
                "//rental.example",
                "https://",
                "https://a b",
                'https://a/"onclick',
                "ftp://a/b",
                1,
            ],
        ),
        ("flag", [True, False], [1, "yes", None]),
        ("list", [["a"], [], [{"a": "b"}]], ["a", [[1]], [None], [{"a": None}]]),
    ],
)
def test_a_value_is_what_its_type_says(kind: str, good: list[Any], bad: list[Any]) -> None:
    assert [value for value in good if not is_valid(kind, value)] == []
    assert [value for value in bad if is_valid(kind, value)] == []


DECLARED = (
    Placeholder("booking_number", sample="B-1"),
    Placeholder("start_date", type="date", sample="2026-11-24", description="first day"),
    Placeholder("note", required=False, sample="x"),
    Placeholder("units", type="list", sample=[{"name": "a", "days": 2}], required=False),
)


def problems(**payload: Any) -> list[tuple[str, str]]:
    return [(p.code, p.name) for p in payload_problems(DECLARED, payload)]


def test_a_payload_that_fits_has_no_problem() -> None:
    assert problems(booking_number="B-1", start_date="2026-11-24") == []
    assert (
        problems(booking_number=1, start_date="2026-11-24", note=None, units=[{"name": "a", "days": 1}]) == []
    )


def test_every_problem_of_a_payload_is_told_at_once() -> None:
    assert problems(start_date="soon", system={}, extra=1) == [
        ("missing", "booking_number"),
        ("invalid", "start_date"),
        ("reserved", "system"),
        ("surplus", "extra"),
    ]


def test_items_of_a_list_need_the_keys_of_its_sample() -> None:
    assert problems(booking_number="B", start_date="2026-11-24", units=[{"name": "a"}]) == [
        ("invalid", "units")
    ]


def test_a_misspelt_name_is_told_with_the_right_one() -> None:
    found = {
        p.name: p.message
        for p in payload_problems(DECLARED, {"boking_number": "x", "start_date": "2026-11-24"})
    }
    assert "did you mean “booking_number”" in found["boking_number"]


def test_a_problem_says_what_to_do_and_holds_no_value() -> None:
    (problem,) = payload_problems(DECLARED, {"booking_number": "B", "start_date": "ann@example.com"})
    assert "2026-11-24" in problem.message
    assert "ann@example.com" not in problem.message


@pytest.mark.parametrize(
    ("text", "encoding", "count"),
    [
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        ("é" * 160, "GSM-7", 1),
        ("ç" * 70, "UCS-2", 1),
        ("ç" * 71, "UCS-2", 2),
        ("😀" * 36, "UCS-2", 2),
    ],
)
def test_an_sms_costs_what_a_provider_counts(text: str, encoding: str, count: int) -> None:
    cost = segments(text)
    assert (cost.encoding, cost.count) == (encoding, count)


def test_an_sms_drops_signs_that_would_double_its_price() -> None:
    assert economical("Prêt aujourd’hui… 500\xa0$ – reçu") == "Pret aujourd'hui... 500 $ - recu"
    assert economical("é è à ù") == "é è à ù"


def test_an_sms_in_another_script_stays_as_it_is() -> None:
    assert economical("Привет, reçu") == "Привет, reçu"
