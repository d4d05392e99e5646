"""One text for many readers says to each what the text rendered for them alone says, to the letter."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from templates_app.batch import render_together
from templates_app.compiled import CompiledVersion
from templates_app.engine import TemplateError
from templates_app.loom import Values
from templates_app.placeholders import Placeholder

NONCE = "5f0e9d2c1b7a"
LINK = "{{#system.unsubscribe_url}}\nLeave: {{system.unsubscribe_url}}\n{{/system.unsubscribe_url}}"
LAYOUT = "<html><body>{{> body}}<p>{{system.company_name}}</p>" + LINK + "</body></html>"
# What a text may be made of: by itself each reads well, together they border on each other in every way.
PIECES = [
    "Hello ", " & <b>", "\n\n", "  ", "x", "{{name}}", "{{{name}}}", "{{city}}", "{{number}}", LINK,
    "{{recipient.first_name}}", "{{#recipient.first_name}} {{recipient.first_name}}{{/recipient.first_name}}",
    "{{^recipient.first_name}}dear reader{{/recipient.first_name}}", "{{#is_new}}New: {{name}} {{/is_new}}",
    "{{^is_new}} Old{{/is_new}}", "{{#items}}- {{label}} for {{name}}\n{{/items}}", "{{#words}}{{.}},{{/words}}",
    "{{#city}}{{^is_new}}{{#recipient.first_name}}{{.}}{{/recipient.first_name}}{{/is_new}}{{/city}}",
]  # fmt: skip
NAMES = st.sampled_from(["Marie", "Zoë & Co", " padded ", "a  b", "<i>", "\u00a0x", "line\nbreak", "-p0-"])
PAYLOADS = st.fixed_dictionaries(
    {},
    optional={
        "name": NAMES,
        "city": NAMES | st.none(),
        "number": st.sampled_from([1, 1.0, 0, "1"]),
        "is_new": st.booleans(),
        "items": st.lists(st.fixed_dictionaries({"label": NAMES}), max_size=2),
        "words": st.lists(NAMES, max_size=2),
    },
)
PLACEHOLDERS = [
    Placeholder("name"),
    Placeholder("city", required=False),
    Placeholder("number"),
    Placeholder("is_new", type="flag"),
    Placeholder("items", type="list", sample=[{"label": "x"}]),
    Placeholder("words", type="list", required=False),
]


def version(subject: str, text: str, html: str) -> CompiledVersion:
    parts = {"subject": subject, "text": text, "html": html}
    return CompiledVersion.of({"en": {"email": parts}}, PLACEHOLDERS, default_locale="en")


def reserved(first_name: str, link: str) -> dict[str, Any]:
    return {
        "recipient": {"first_name": first_name, "timezone": "America/Moncton"},
        "system": {"company_name": "Fundy & Co", "unsubscribe_url": link},
    }


def alone(made: CompiledVersion, payload: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
    try:
        return made.render(channel="email", locale="en", context={**payload, **given})
    except TemplateError:
        return None


def together(
    made: CompiledVersion, contexts: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], room: int = 10_000
) -> tuple[list[Any], list[Values | None], tuple[str, ...]]:
    """What each reader gets, None for those who are rendered alone."""
    skeleton, rows = render_together(
        made, channel="email", locale="en", contexts=contexts, nonce=NONCE, room=room
    )
    got = [None if row is None else (skeleton.locale, skeleton.filled(row)) for row in rows]
    return got, rows, skeleton.keys


def test_the_text_that_many_get_is_what_each_would_get_alone() -> None:
    made = version(
        "{{name}} for {{recipient.first_name}}",
        "Hello {{recipient.first_name}}, {{name}}." + LINK,
        LAYOUT.replace("{{> body}}", "<p>{{recipient.first_name}} & {{name}}</p>"),
    )
    contexts = [
        (
            {"name": "10 % off", "number": 1, "is_new": True, "items": []},
            reserved(f"<N{i}>", f"https://r.ex/u/{i}"),
        )
        for i in range(50)
    ]
    got, rows, keys = together(made, contexts)
    assert got == [alone(made, *context) for context in contexts]
    # Shared words are in the skeleton; the name (plain and escaped) and the link are all that differs.
    assert len(keys) == 3
    assert all(row is not None and sum(map(len, row)) < 60 for row in rows)


@settings(max_examples=400, deadline=None)
@given(
    texts=st.lists(
        st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join), min_size=3, max_size=3
    ),
    readers=st.lists(
        st.tuples(
            PAYLOADS,
            st.builds(
                reserved, NAMES | st.just(""), st.sampled_from(["", "https://r.ex/u/1", "https://r.ex/u/2"])
            ),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_no_template_and_no_payload_makes_a_difference(
    texts: list[str], readers: list[tuple[dict[str, Any], dict[str, Any]]]
) -> None:
    made = version(*texts)
    got, _, keys = together(made, readers)
    wanted = [alone(made, *context) for context in readers]
    for one, other in zip(got, wanted, strict=True):
        assert one is None or one == other
    # Whoever can be rendered, and borders on nothing but words, is in.
    if not keys:
        assert [one is None for one in got] == [one is None for one in wanted]


def test_whoever_misses_a_value_is_left_out_alone() -> None:
    made = version("Hi", "Dear {{city}}", "<p>{{name}}</p>")
    whole = {"name": "a", "number": 1, "is_new": True, "items": []}
    contexts = [
        ({**whole, "city": "Moncton"}, reserved("", "")),
        (whole, reserved("", "")),
        ({**whole, "city": "Sackville"}, reserved("", "")),
    ]
    got, _, _ = together(made, contexts)
    assert [one is None for one in got] == [False, True, False]
    assert got[2] == alone(made, *contexts[2])


def test_the_subject_is_on_one_line_for_each_reader() -> None:
    made = version(
        "Offer{{#recipient.first_name}} for {{recipient.first_name}}{{/recipient.first_name}}", "x", "x"
    )
    whole = {"name": "a", "number": 1, "is_new": True, "items": []}
    contexts = [(whole, reserved(name, "")) for name in ("Marie", "", "two\nlines ")]
    got, _, _ = together(made, contexts)
    assert [one and one[1]["subject"] for one in got] == ["Offer for Marie", "Offer", "Offer for two lines"]


def test_a_section_that_names_its_own_value_is_written_as_it_is_alone() -> None:
    made = version("Hi", "{{#city}}from {{.}}{{/city}}, {{recipient.first_name}}", "x")
    whole = {"name": "a", "number": 1, "is_new": True, "items": [], "city": "Moncton"}
    contexts = [(whole, reserved(name, "")) for name in ("Marie", "Zoë")]
    got, _, _ = together(made, contexts)
    assert [one and one[1]["text"] for one in got] == ["from Moncton, Marie\n", "from Moncton, Zoë\n"]


@pytest.mark.parametrize("numbers", [(1, 1.0), (0.0, -0.0)])
def test_values_that_are_equal_and_read_otherwise_are_not_taken_for_the_same(numbers: Any) -> None:
    made = version("Hi", "{{number}}.", "x")
    whole = {"name": "a", "is_new": True, "items": []}
    contexts = [({**whole, "number": number}, reserved("Marie", "")) for number in numbers]
    got, _, _ = together(made, contexts)
    assert [one and one[1]["text"] for one in got] == [f"{number}.\n" for number in numbers]


@pytest.mark.parametrize(("bytes_each", "fits"), [(9_900, True), (10_001, False)])
def test_more_than_the_provider_takes_is_left_out(bytes_each: int, *, fits: bool) -> None:
    made = version("Hi", "{{name}}", "x")
    whole = {"number": 1, "is_new": True, "items": []}
    contexts = [({**whole, "name": letter * (bytes_each // 2)}, reserved("", "")) for letter in "éè"]
    assert [row is not None for row in together(made, contexts)[1]] == [fits, fits]


def test_a_key_is_no_word_that_anybody_could_have_written() -> None:
    made = version("Hi", "{{name}} {{city}}", "x")
    whole = {"number": 1, "is_new": True, "items": []}
    contexts = [({**whole, "name": f"-p{n}-1-", "city": f"-p-{n}-"}, reserved("", "")) for n in "01"]
    got, _, keys = together(made, contexts)
    assert all(NONCE in key for key in keys)
    assert got == [alone(made, *context) for context in contexts]
