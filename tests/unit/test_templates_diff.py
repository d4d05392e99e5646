"""Comparing wordings: which words changed, what a language lacks, how a message will be cut and what it costs."""

import difflib
from typing import Any

import pytest

from templates_app.completeness import missing, uneven, unused
from templates_app.diff import PAIRS, Difference, Line, changed_lines, difference
from templates_app.looks import hints, sms_cost, sms_price
from templates_app.placeholders import Placeholder
from templates_app.segments import culprits


def text(words: str) -> dict[str, dict[str, dict[str, str]]]:
    return {"en": {"sms": {"text": words}}}


def told(lines: tuple[Line, ...]) -> list[str]:
    """A line of the diff as one reads it, the changed words in brackets."""
    signs = {"same": " ", "removed": "-", "added": "+", "gap": "⋯"}
    return [
        signs[line.kind] + "".join(f"[{p.text}]" if p.is_changed else p.text for p in line.pieces)
        for line in lines
    ]


def test_the_words_that_changed_are_marked_within_their_line() -> None:
    assert told(changed_lines("Bring photo ID.\nSee you.", "Bring your photo ID.\nSee you.")) == [
        "-Bring photo ID.",
        "+Bring[ your] photo ID.",
        " See you.",
    ]


def test_a_placeholder_is_one_word() -> None:
    assert told(changed_lines("Hi {{first_name}}!", "Hi {{last_name}}!")) == [
        "-Hi [{{first_name}}]!",
        "+Hi [{{last_name}}]!",
    ]


def test_unchanged_lines_far_away_are_left_out_and_numbers_are_each_texts_own() -> None:
    old = "\n".join(f"line {n}" for n in range(1, 21))
    new = old.replace("line 10\n", "").replace("line 20", "the end")
    found = changed_lines(old, new)
    assert told(found) == [
        "⋯", " line 8", " line 9", "-line 10", " line 11", " line 12", "⋯", " line 18", " line 19",
        "-[line] [20]", "+[the] [end]",
    ]  # fmt: skip
    assert [line.number for line in found if line.kind in ("removed", "added")] == [10, 20, 19]


def test_a_text_that_is_new_or_gone_says_so() -> None:
    changes = difference(text("Old"), {"en": {"push": {"title": "New"}}}).texts
    assert [(c.channel, c.is_new, c.is_gone) for c in changes] == [
        ("sms", False, True),
        ("push", True, False),
    ]


def test_equal_wordings_do_not_differ() -> None:
    assert not difference(text("Same"), text("Same"))
    assert not Difference((), ()).breaks_callers


@pytest.mark.parametrize(
    ("old", "new", "breaks"),
    [
        ([], [{"name": "a", "required": True}], True),
        ([], [{"name": "a", "required": False}], False),
        ([{"name": "a", "required": True}], [], True),
        ([{"name": "a", "required": False}], [{"name": "a", "required": True}], True),
        ([{"name": "a", "required": True}], [{"name": "a", "required": False}], False),
        ([{"name": "a", "type": "text"}], [{"name": "a", "type": "date"}], True),
        ([{"name": "a", "sample": "x"}], [{"name": "a", "sample": "y"}], False),
    ],
)
def test_it_is_told_whether_code_that_fills_the_placeholders_must_change(
    old: list[dict[str, Any]], new: list[dict[str, Any]], breaks: bool
) -> None:
    found = difference({}, {}, old, new)
    assert len(found.placeholders) == 1
    assert found.breaks_callers == breaks


SOURCE = {
    "en": {"sms": {"text": "{{number}} {{when}}"}, "push": {"title": "T", "body": "B", "url": "{{link}}"}},
    "fr": {"sms": {"text": "{{number}}"}},
}


def test_each_language_says_what_it_lacks() -> None:
    assert missing(SOURCE, ["en", "fr"]) == {"fr": [("push", "title"), ("push", "body"), ("push", "url")]}
    assert missing({"en": SOURCE["en"]}, ["en"]) == {}


def test_placeholders_that_one_language_uses_and_the_other_does_not() -> None:
    declared = [Placeholder(name) for name in ("number", "when", "link", "idle")]
    assert [(u.name, u.used_by, u.not_by) for u in uneven(SOURCE, declared, ["en", "fr"])] == [
        ("when", ("en",), ("fr",)),
        ("link", ("en",), ("fr",)),
    ]
    assert unused(SOURCE, declared) == ["idle"]


def test_a_text_that_cannot_be_read_uses_nothing_and_hurts_nobody() -> None:
    assert unused(text("{{#a}}"), [Placeholder("a")]) == ["a"]


def test_the_signs_that_make_an_sms_dear_are_named_once_each() -> None:
    assert culprits("Prêt 🚜 🚜 łódź €") == ("ê", "🚜", "ł", "ó", "ź")
    assert culprits("Plain € {ok}") == ()


@pytest.mark.parametrize(("price", "cost"), [("0.0079 CAD", "0.0158 CAD"), ("", ""), ("0 CAD", "0 CAD")])
def test_what_an_sms_costs_follows_the_setting(settings: Any, price: str, cost: str) -> None:
    settings.TEMPLATES_APP = {"SMS_PRICE": price}
    assert sms_cost("x" * 170).cost == cost


@pytest.mark.parametrize("price", ["cheap", "1", "1 dollar", "NaN CAD", "-1 CAD", "1,5 CAD", "Infinity CAD"])
def test_a_price_that_is_none_is_refused_and_a_check_names_it(settings: Any, price: str) -> None:
    from templates_app.checks import check_price

    settings.TEMPLATES_APP = {"SMS_PRICE": price}
    with pytest.raises(ValueError, match=price):
        sms_price()
    assert [error.id for error in check_price()] == ["templates_app.E001"]


def test_lengths_that_will_be_cut_are_warned_of() -> None:
    long = hints("push", {"title": "t" * 51, "body": "b"})
    assert [hint.is_warning for hint in long] == [True, False]
    assert "50" in long[0].text
    subject = hints("email", {"subject": "s" * 41}, "Shown after it")
    assert [hint.is_warning for hint in subject] == [True, False]
    assert [hint.is_warning for hint in hints("email", {"subject": "s"})] == [False, True]
    assert hints("sms", {"text": "x"}) == ()


@pytest.mark.parametrize("separator", [" ", "\n"], ids=["words", "lines"])
def test_texts_with_little_in_common_cost_no_more_than_their_length(
    separator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = 0
    longest = difflib.SequenceMatcher.find_longest_match

    def counted(self: Any, *args: Any) -> Any:
        nonlocal compared
        compared += len(self.a) * len(self.b)
        return longest(self, *args)

    monkeypatch.setattr(difflib.SequenceMatcher, "find_longest_match", counted)
    old, new = (separator.join([*["a", word] * 3_000, "end"]) for word in ("b", "c"))
    lines = changed_lines(old, new)
    assert compared <= PAIRS
    kinds = {line.kind for line in lines}
    assert kinds == {"removed", "added"} if separator == " " else {"removed", "added", "same"}


def test_of_long_texts_the_equal_ends_are_left_out() -> None:
    lines = [f"line {n}" for n in range(2_000)]
    changed = [*lines[:1_000], "other", *lines[1_001:]]
    shown = told(changed_lines("\n".join(lines), "\n".join(changed)))
    assert "-[line 1000]" not in shown[:1]
    assert [line for line in shown if line[0] in "-+"] == ["-[line 1000]", "+[other]"]
    assert len(shown) == 8  # two lines around it on each side, and two gaps
