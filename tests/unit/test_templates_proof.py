"""Proving a wording: every fault is found at once, each with its language, channel, part and line."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from templates_app.compiled import CompiledVersion
from templates_app.layout import for_locale
from templates_app.placeholders import Placeholder
from templates_app.proof import Proof, prove
from templates_app.samples import sample_context

PARTIALS = {
    "layout/email": "<html><head><title>t</title></head><body>\n{{> preheader}}\n{{> body}}\n{{> layout/footer}}\n</body></html>\n",
    "layout/email_text": "{{> body}}\n{{> layout/footer}}\n",
    "layout/footer.en": "Write to {{system.postal_address}} {{#system.unsubscribe_url}}{{system.unsubscribe_url}}{{/system.unsubscribe_url}}\n",
    "layout/footer.fr": "Adresse {{system.postal_address}} {{#system.unsubscribe_url}}{{system.unsubscribe_url}}{{/system.unsubscribe_url}}\n",
}
LEAVE = '{{#system.unsubscribe_url}}<a href="{{system.unsubscribe_url}}">Leave</a>{{/system.unsubscribe_url}}'
LAWFUL = {
    **PARTIALS,
    "layout/email": PARTIALS["layout/email"].replace("layout/footer", "layout/footer_html"),
    "layout/footer_html": "{{system.postal_address}} " + LEAVE,
}
PLACEHOLDERS = (
    Placeholder("number", sample="B-1"),
    Placeholder("start_date", type="date", sample="2026-11-24"),
    Placeholder("link_url", type="url", sample="https://rental.example/b/1"),
    Placeholder("note", required=False, sample="mind the dog"),
    Placeholder("express", type="flag", required=False, sample=True),
    Placeholder("units", type="list", required=False, sample=[{"name": "CAT 320"}]),
)
LANGUAGE: dict[str, dict[str, str]] = {
    "email": {
        "subject": "Booking {{number}}",
        "preheader": "From {{start_date.short}}",
        "text": "Booking {{number}} from {{start_date}}\n{{link_url}}",
        "html": '<p>Booking {{number}} from {{start_date}}</p>\n<a href="{{link_url}}">See</a>',
    },
    "sms": {"text": "Booking {{number}}"},
    "push": {"title": "Booking", "body": "{{number}}", "url": "{{link_url}}"},
    "inapp": {"title": "Booking", "message": "{{number}}"},
}


def advertising(source: dict[str, Any]) -> None:
    """The same words as an advertisement: a text message says how to leave."""
    for language in source.values():
        language["sms"]["text"] += ". Reply STOP to opt out"


def proof(
    change: Any = None,
    *,
    category: str = "reminder",
    placeholders: Any = PLACEHOLDERS,
    partials: Any = PARTIALS,
) -> Proof:
    source = {"en": deepcopy(LANGUAGE), "fr": deepcopy(LANGUAGE)}
    if change:
        change(source)
    return prove(
        template="booking.test",
        category=category,
        source=source,
        placeholders=placeholders,
        partials=partials,
        default_locale="en",
    )


def found(part: tuple[str, str, str], text: str, **kwargs: Any) -> list[tuple[str, str, int | None]]:
    """(code, part, line) after one part was replaced."""
    locale, channel, name = part

    def change(source: dict[str, dict[str, dict[str, str]]]) -> None:
        source[locale][channel][name] = text

    return [(p.code, p.part, p.line) for p in proof(change, **kwargs).problems]


def test_a_good_wording_has_no_problem_and_is_self_contained() -> None:
    result = proof()
    assert result.problems == ()
    assert result.channels == ("email", "sms", "push", "inapp")
    assert set(result.content) == {"en", "fr"}
    assert "{{>" not in str(result.content)
    assert result.content["en"]["email"]["text"].startswith(
        "Booking {{number}} from {{start_date}}\n{{link_url}}\nWrite to"
    )
    assert "Adresse" in result.content["fr"]["email"]["html"]
    assert "From {{start_date.short}}" in result.content["en"]["email"]["html"]


TEXT, HTML = ("fr", "email", "text"), ("fr", "email", "html")


@pytest.mark.parametrize(
    ("part", "text", "code", "line"),
    [
        (TEXT, "{{number}} {{start_date}} {{link_url}}\n{{#x}}", "syntax", 2),
        (TEXT, "{{number}}\n{{> nowhere}}", "unknown_partial", 2),
        (TEXT, "{{number}}\n\n{{nmuber}}", "undeclared", 3),
        (TEXT, "{{number}}\n{{start_date.weekday}}", "unknown_piece", 2),
        (TEXT, "{{number.short}}", "unknown_piece", 1),
        (TEXT, "{{number}}\n{{note}}", "unguarded", 2),
        (TEXT, "{{#express}}\n{{note}}{{/express}}", "unguarded", 2),
        (TEXT, "{{^note}}\n{{note}}{{/note}}", "unguarded", 2),
        (TEXT, "{{recipient.first_name}}", "unguarded", 1),
        (TEXT, "{{system.unsubscribe_url}}", "unguarded", 1),
        (TEXT, "{{system.nothing}}", "undeclared", 1),
        (TEXT, "{{system.body}}", "undeclared", 1),
        (TEXT, "{{express}}", "not_text", 1),
        (TEXT, "{{units}}", "not_text", 1),
        (TEXT, "{{#units}}{{price}}{{/units}}", "undeclared", 1),
        (TEXT, "{{.}}", "syntax", 1),
        (TEXT, "{{number}}\n{{#units}}\n{{#units}}{{name}}{{/units}}{{/units}}", "nested", 3),
        (TEXT, "{number}}", "syntax", 1),
        (HTML, "<p>{{number}}</p>\n<p>{{{number}}}</p>", "unescaped", 2),
        (HTML, "<p>{{number}}</p>\n<p>{{&number}}</p>", "unescaped", 2),
        (HTML, "<p>\n<a href='{{number}}'>x</a></p>", "unsafe_address", 2),
        (HTML, "<script>x</script>", "refused_element", 1),
        (("fr", "email", "subject"), "{{number}}\nBcc: everyone", "line_break", 1),
        (("fr", "email", "preheader"), "{{x}}", "undeclared", 1),
        (("fr", "push", "url"), "{{number}}", "unsafe_address", 1),
        (("fr", "inapp", "action_url"), "javascript:x", "unsafe_address", 1),
        (("fr", "sms", "text"), "", "missing_part", None),
        (("fr", "sms", "texte"), "x", "unknown_part", None),
        (("fr", "sms", "text"), "{{number}} " * 150, "too_long", None),
    ],
)
def test_a_fault_is_found_in_its_part_and_line(
    part: tuple[str, str, str], text: str, code: str, line: int | None
) -> None:
    problems = found(part, text)
    assert (code, part[2], line) in problems
    assert all(p.locale == "fr" for p in proof(lambda s: s["fr"][part[1]].update({part[2]: text})).problems)


@pytest.mark.parametrize(
    "text",
    [
        "{{#note}}{{note}}{{/note}}",
        "{{#recipient.first_name}}{{recipient.first_name}}{{/recipient.first_name}}",
        "{{#express}}fast{{/express}}{{^express}}slow{{/express}}",
        "{{#units}}{{name}} for {{number}}\n{{/units}}",
        "{{start_date.short}} {{system.company_name}} {{system.public_url}} {{system.locale}}",
        "{{#system.sandbox}}test{{/system.sandbox}}",
        "{{{number}}}",
    ],
)
def test_what_is_used_as_it_was_declared_is_no_fault(text: str) -> None:
    assert found(("fr", "email", "text"), f"{{{{number}}}} {text}") == []


def test_all_faults_are_told_at_once() -> None:
    def change(source: dict[str, Any]) -> None:
        source["en"]["email"]["text"] = "{{a}}\n{{b}}"
        source["fr"]["sms"]["text"] = "{{c}}"

    told = [
        (p.locale, p.channel, p.part, p.line, p.message[:3])
        for p in proof(change).problems
        if p.code == "undeclared"
    ]
    assert told == [
        ("en", "email", "text", 1, "“a”"),
        ("en", "email", "text", 2, "“b”"),
        ("fr", "sms", "text", 1, "“c”"),
    ]


def test_a_fault_of_the_layout_is_told_at_the_layout() -> None:
    problems = proof(
        partials={**PARTIALS, "layout/footer.fr": "{{system.postal_address}}\n{{oops}}"}
    ).problems
    assert {(p.part, p.line, p.code) for p in problems} == {("layout/footer", 2, "undeclared")}


def test_a_language_that_lacks_a_channel_is_told() -> None:
    problems = proof(lambda source: source["fr"].pop("sms")).problems
    assert [(p.code, p.locale, p.channel) for p in problems] == [("missing_channel", "fr", "sms")]


def test_a_required_placeholder_that_a_language_forgot_is_told() -> None:
    def change(source: dict[str, Any]) -> None:
        source["fr"]["email"] |= {
            "subject": "x",
            "preheader": "",
            "text": "{{number}} {{link_url}}",
            "html": "<p>{{number}}</p>",
        }

    assert [(p.code, p.locale) for p in proof(change).problems] == [("unused", "fr")]


@pytest.mark.parametrize(
    ("placeholder", "code"),
    [
        (Placeholder("Bad Name", sample="x"), "bad_name"),
        (Placeholder("system", sample="x"), "reserved"),
        (Placeholder("number", sample="x"), "duplicate"),
        (Placeholder("day", type="day", sample="x"), "bad_type"),
        (Placeholder("day", type="date", sample="tomorrow"), "bad_sample"),
        (Placeholder("day", sample=None), "bad_sample"),
    ],
)
def test_a_declaration_is_checked_too(placeholder: Placeholder, code: str) -> None:
    assert code in {p.code for p in proof(placeholders=(*PLACEHOLDERS, placeholder)).problems}


def test_advertising_without_postal_address_or_unsubscribe_link_is_refused_in_text_and_html() -> None:
    bare = {**PARTIALS, "layout/footer.en": "bye\n", "layout/footer.fr": "au revoir\n"}
    assert proof(advertising, category="marketing", partials=LAWFUL).problems == ()
    problems = proof(advertising, category="marketing", partials=bare).problems
    assert [(p.locale, p.part) for p in problems if p.code == "law"] == [
        (locale, part) for locale in ("en", "fr") for part in ("text", "html") for _ in range(2)
    ]
    assert proof(category="transactional", partials=bare).problems == ()


@pytest.mark.parametrize("part", ["text", "html"])
@pytest.mark.parametrize(
    "footer",
    [
        "{{system.postal_address}} {{#system.unsubscribe_url}}Stop{{/system.unsubscribe_url}}",
        "{{#note}}{{system.postal_address}}{{/note}} {{#system.unsubscribe_url}}{{system.unsubscribe_url}}{{/system.unsubscribe_url}}",
        "{{system.postal_address}} {{#note}}{{#system.unsubscribe_url}}{{system.unsubscribe_url}}{{/system.unsubscribe_url}}{{/note}}",
        "{{system.postal_address}} {{^note}}{{#system.unsubscribe_url}}{{system.unsubscribe_url}}{{/system.unsubscribe_url}}{{/note}}",
    ],
)
def test_what_may_be_left_out_of_an_advertising_mail_is_not_shown(footer: str, part: str) -> None:
    names = {"text": ("layout/footer.en", "layout/footer.fr"), "html": ("layout/footer_html",)}[part]
    partials = {**LAWFUL, **dict.fromkeys(names, footer)}
    problems = proof(advertising, category="marketing", partials=partials).problems
    assert {(p.part, p.locale) for p in problems if p.code == "law"} == {(part, "en"), (part, "fr")}
    assert "whatever else is left out" in problems[0].message


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{{system.unsubscribe_url}}", "must be a link"),
        ('<!-- <a href="{{system.unsubscribe_url}}">x</a> -->', "must show"),
        ('<p title="{{system.unsubscribe_url}}">x</p>', "must be a link"),
    ],
)
def test_the_way_out_of_an_advertising_mail_is_a_link_that_is_seen(written: str, message: str) -> None:
    footer = "{{#system.unsubscribe_url}}" + written + "{{/system.unsubscribe_url}}"
    partials = {**LAWFUL, "layout/footer_html": "{{system.postal_address}} " + footer}
    found = proof(advertising, category="marketing", partials=partials).problems
    told = [problem.message for problem in found if problem.code == "law"]
    assert len(told) == 2, "in each language"
    assert all(message in text for text in told)


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        ("Offer {{number}}", False),
        ("Offer {{number}}. Do not stop", False),
        ("Offer {{number}} STOPPED", False),
        ("Offer {{number}}. Reply STOP to opt out", True),
        ("Offre {{number}}. Répondez ARRÊT", True),
    ],
)
def test_an_advertising_text_message_says_how_to_leave(text: str, is_told: bool) -> None:
    def change(source: dict[str, Any]) -> None:
        advertising(source)
        source["fr"]["sms"] = {"text": text}

    problems = proof(change, category="marketing", partials=LAWFUL).problems
    assert [(p.locale, p.channel, p.code) for p in problems] == ([] if is_told else [("fr", "sms", "law")])


@pytest.mark.parametrize(
    ("locale", "footer"),
    [("en", "en"), ("fr", "fr"), ("fr_CA", "CA"), ("fr-CA", "CA"), ("fr_FR", "fr"), ("de", "en")],
)
def test_a_partial_is_the_nearest_one_to_the_language(locale: str, footer: str) -> None:
    partials = {
        "layout/footer.fr": "fr",
        "layout/footer.fr_CA": "CA",
        "layout/footer.en": "en",
        "layout/x": "x",
    }
    assert for_locale(partials, locale, default="en") == {"layout/footer": footer, "layout/x": "x"}


def test_a_partial_for_every_language_goes_before_that_of_the_default_language() -> None:
    partials = {"layout/footer": "any", "layout/footer.en": "en"}
    assert for_locale(partials, "de", default="en") == {"layout/footer": "any"}


# ── What a proved wording renders ───────────────────────────────────────────────────────────────────────
def rendered(
    *,
    channel: str = "email",
    locale: str = "en",
    overrides: Mapping[str, str] | None = None,
    change: Any = None,
    **context: Any,
) -> tuple[str, dict[str, str]]:
    compiled = CompiledVersion.of(proof(change).content, PLACEHOLDERS, default_locale="en")
    values = sample_context(PLACEHOLDERS, category="reminder") | context
    return compiled.render(channel=channel, locale=locale, context=values, overrides=overrides)


@pytest.mark.parametrize(
    ("wanted", "used"),
    [("fr_CA", "fr"), ("fr-ca", "fr"), ("FR", "fr"), ("en_GB", "en"), ("de", "en"), ("", "en")],
)
def test_a_language_falls_back_to_its_parent_then_to_the_default(wanted: str, used: str) -> None:
    assert rendered(locale=wanted)[0] == used


def test_without_the_default_language_the_first_one_is_used() -> None:
    assert rendered(locale="de", change=lambda source: source.pop("en"))[0] == "fr"


def test_each_channel_is_handed_its_parts_and_no_more() -> None:
    assert set(rendered()[1]) == {"subject", "text", "html"}
    assert rendered(channel="push")[1] == {
        "title": "Booking",
        "body": "B-1",
        "url": "https://rental.example/b/1",
    }
    assert rendered(channel="inapp")[1] == {"title": "Booking", "message": "B-1"}


def test_a_value_is_escaped_in_html_and_nowhere_else() -> None:
    parts = rendered(number="<b>&")[1]
    assert "&lt;b&gt;&amp;" in parts["html"]
    assert "<b>" not in parts["html"]
    assert parts["subject"] == "Booking <b>&"


def test_a_subject_is_one_line_whatever_a_value_holds() -> None:
    assert (
        rendered(number="1\r\nBcc: everyone@example.com")[1]["subject"]
        == "Booking 1 Bcc: everyone@example.com"
    )


def test_a_date_in_the_text_is_in_the_language_used() -> None:
    assert "mardi 24 novembre 2026" in rendered(locale="fr_CA")[1]["text"]


def test_a_script_address_that_slipped_into_the_queue_is_refused_at_the_last_moment() -> None:
    with pytest.raises(ValueError, match="link_url"):
        rendered(link_url="javascript:alert(1)")


def test_an_optional_link_that_is_left_out_is_no_link() -> None:
    # By hand: the proof wants a link to begin with an address.
    content = proof().content
    content["en"]["inapp"]["action_url"] = "{{#note}}https://rental.example/x{{/note}}"
    compiled = CompiledVersion.of(content, PLACEHOLDERS, default_locale="en")
    context = sample_context(PLACEHOLDERS, category="reminder", full=False)
    assert "action_url" not in compiled.render(channel="inapp", locale="en", context=context)[1]


def test_a_channel_that_the_version_lacks_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="no sms text"):
        rendered(channel="sms", change=lambda source: [language.pop("sms") for language in source.values()])


def test_an_inline_subject_and_body_replace_the_templates_within_the_same_layout() -> None:
    overrides = {
        "subject": "Moved: {{number}}",
        "body": "Now on {{start_date.short}}.\n\nSee <you>\nsoon {{number}}",
    }
    parts = rendered(overrides=overrides, number="B&1")[1]
    assert parts["subject"] == "Moved: B&1"
    assert parts["text"].startswith("Now on Tue, Nov 24.\n\nSee <you>\nsoon B&1\nWrite to ")
    assert "<p>Now on Tue, Nov 24.</p>\n<p>See &lt;you&gt;<br>soon B&amp;1</p>" in parts["html"]
    assert "Write to" in parts["html"]
    assert "from Tuesday" not in parts["html"]


@pytest.mark.parametrize(("channel", "part"), [("sms", "text"), ("push", "body"), ("inapp", "message")])
def test_an_inline_body_replaces_the_words_of_every_channel(channel: str, part: str) -> None:
    parts = rendered(channel=channel, overrides={"body": "Only {{number}}"})[1]
    assert parts[part] == "Only B-1"
    assert parts.get("title", "Booking") == "Booking"


def test_an_inline_body_with_a_misspelt_name_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="nmuber"):
        rendered(overrides={"body": "{{nmuber}}"})


def test_an_inline_body_alone_keeps_the_templates_subject() -> None:
    assert rendered(overrides={"body": "x"})[1]["subject"] == "Booking B-1"


LISTS = (
    *PLACEHOLDERS,
    Placeholder("sites", type="list", required=False, sample=[str(site) for site in range(400)]),
    Placeholder("days", type="list", required=False, sample=[str(day) for day in range(400)]),
)


@pytest.mark.parametrize("part", [TEXT, HTML, ("fr", "inapp", "message")])
def test_lists_within_lists_that_come_to_too_much_are_told_at_the_inner_one(
    part: tuple[str, str, str],
) -> None:
    text = "{{number}} {{start_date}} {{link_url}}\n{{#sites}}\n\n{{#days}}{{.}}{{/days}}{{/sites}}"
    assert found(part, text, placeholders=LISTS) == [("too_much", part[2], 4)]


def test_lists_that_come_to_too_much_in_a_partial_are_told_there() -> None:
    partials = {**PARTIALS, "plan": "Plan:\n{{#sites}}{{#days}}{{.}}{{/days}}{{/sites}}"}
    text = "{{number}} {{start_date}} {{link_url}}\n{{> plan}}"
    assert found(TEXT, text, placeholders=LISTS, partials=partials) == [("too_much", "plan", 2)]
