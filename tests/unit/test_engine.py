"""Mustache without holes: what a text may hold, where an error stands, and what is written."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mystace.mustache_tree import MustacheRenderer

from templates_app.engine import PARTS, Mustache, TemplateError, placeholders
from templates_app.partials import expand, uses
from templates_app.room import MOST_CHARACTERS, MOST_PIECES


def written(text: str, context: dict[str, Any], *, escape: bool = False) -> str:
    return Mustache.read(text).write(context, escape=escape)


def error_of(
    text: str, context: dict[str, Any] | None = None, partials: dict[str, str] | None = None
) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        Mustache.read(expand(text, partials or {}, part="text"), part="text").write(
            context or {}, escape=False
        )
    return caught.value


def test_every_channel_has_the_parts_that_adapters_rely_on() -> None:
    assert dict(PARTS) == {
        "email": ("subject", "text", "html"),
        "sms": ("text",),
        "push": ("title", "body", "url"),
        "inapp": ("title", "message", "action_url", "cta_label"),
    }


def test_html_is_escaped_and_text_is_not() -> None:
    context = {"name": '<b>O\'Neil & "Sons"</b>'}
    assert written("{{name}}", context) == context["name"]
    assert (
        written("{{name}}", context, escape=True) == "&lt;b&gt;O&#x27;Neil &amp; &quot;Sons&quot;&lt;/b&gt;"
    )


def test_a_value_is_never_read_as_a_template() -> None:
    assert written("{{a}}", {"a": "{{b}} {{> c}}", "b": "no"}) == "{{b}} {{> c}}"


@pytest.mark.parametrize("context", [{}, {"name": None}, {"name": ""}, {"name": "  "}])
def test_a_placeholder_without_a_value_is_an_error_that_names_it(context: dict[str, Any]) -> None:
    error = error_of("Dear {{name}},", context)
    assert error.code == "missing"
    assert "“name”" in error.message


def test_a_dotted_name_without_a_value_is_an_error_that_names_the_whole_path() -> None:
    error = error_of("{{recipient.nickname}}", {"recipient": {"first_name": "Ann"}})
    assert error.code == "missing"
    assert "recipient.nickname" in error.message


def test_a_section_of_an_unknown_name_is_an_error_and_not_an_empty_place() -> None:
    assert error_of("{{#nmae}}x{{/nmae}}", {"name": 1}).code == "missing"


@pytest.mark.parametrize("value", [True, [1, 2], {"a": 1}])
def test_what_is_no_text_is_never_printed_as_python_shows_it(value: Any) -> None:
    assert error_of("{{value}}", {"value": value}).code == "not_text"


def test_sections_inverted_sections_and_lists() -> None:
    text = "{{#units}}{{name}}{{^last}}, {{/last}}{{/units}}{{^units}}none{{/units}}"
    units = [{"name": "CAT 320", "last": False}, {"name": "D6", "last": True}]
    assert written(text, {"units": units}) == "CAT 320, D6"
    assert written(text, {"units": []}) == "none"
    assert written("{{#names}}[{{.}}]{{/names}}", {"names": ["a", "b"]}) == "[a][b]"


def test_zero_is_a_value_where_it_is_written_and_none_where_it_is_asked_for() -> None:
    assert written("{{n}} {{#n}}some{{/n}}{{^n}}none{{/n}}", {"n": 0}) == "0 none"


def test_an_inner_name_hides_the_outer_one_and_the_outer_one_is_still_seen() -> None:
    assert written("{{#a}}{{x}}{{y}}{{/a}}", {"x": "out", "y": "side", "a": {"x": "in"}}) == "inside"


def test_attributes_and_methods_of_a_value_cannot_be_reached() -> None:
    assert error_of("{{name.__class__}}", {"name": "x"}).code == "missing"
    assert error_of("{{name.upper}}", {"name": "x"}).code == "missing"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a\n{{name", 2, "never closed"),
        ("a\n\n{{#open}}\nb", 3, "“open” is never closed"),
        ("{{#a}}\n{{#b}}\n{{/a}}{{/b}}", 3, "{{/b}} should close line 2"),
        ("x\n{{/a}}", 2, "closes nothing"),
        ("x\n{{na me}}", 2, "is no tag"),
        ("x\n\n\n{{}}", 4, "is no tag"),
        ("{{=<% %>=}}", 1, "Delimiters"),
        ("{{! a\nlong\nremark }}\n{{#x}}", 4, "never closed"),
    ],
)
def test_a_syntax_error_names_its_part_and_line(text: str, line: int, says: str) -> None:
    error = error_of(text)
    assert (error.code, error.part, error.line) == ("syntax", "text", line)
    assert says in error.message
    assert str(error).startswith(f"text, line {line}: ")


def test_partials_are_inlined_at_any_depth() -> None:
    partials = {"outer": "<{{> inner}}>", "inner": "{{name}}"}
    assert expand("a {{> outer}} b", partials) == "a <{{name}}> b"


def test_a_partial_alone_on_its_line_leaves_no_blank_line_and_keeps_the_indent() -> None:
    assert expand("a\n  {{> list}}\nb\n", {"list": "- x\n- y"}) == "a\n  - x\n  - y\nb\n"


def test_a_value_with_line_breaks_in_an_indented_partial_is_not_indented() -> None:
    text = expand("  {{> p}}\n", {"p": "{{v}}\n"})
    assert written(text, {"v": "one\ntwo"}) == "  one\ntwo\n"


def test_an_unknown_partial_is_an_error_that_names_the_chain() -> None:
    error = error_of("x\n{{> layout}}", partials={"layout": "{{> footre}}", "footer": ""})
    assert error.code == "unknown_partial"
    assert "layout → footre" in error.message
    assert "footer" in error.message


def test_a_partial_that_includes_itself_is_an_error_that_names_the_chain() -> None:
    error = error_of("{{> a}}", partials={"a": "{{> b}}", "b": "x {{> a}}"})
    assert error.code == "cyclic_partial"
    assert "a → b → a" in error.message


def test_the_same_partial_twice_is_no_cycle() -> None:
    assert expand("{{> a}}{{> a}}", {"a": "x"}) == "xx"


def test_the_names_of_a_text_are_its_variables_and_sections_in_partials_too() -> None:
    found = placeholders(
        "{{a}} {{#b}}{{c.d}}{{.}}{{/b}} {{^e}}{{/e}} {{{f}}} {{! g }} {{> p}}", {"p": "{{h}}"}
    )
    assert found == {"a", "b", "c.d", "e", "f", "h"}


def test_a_use_knows_its_line_its_partial_and_the_sections_around_it() -> None:
    found = list(uses("{{#a}}\n{{> p}}{{/a}}{{^b}}{{x}}{{/b}}", {"p": "\n\n{{y}}"}))
    by_name = {use.name: use for use in found}
    assert (by_name["y"].partial, by_name["y"].line, by_name["y"].inside) == ("p", 3, ("a",))
    assert (by_name["x"].partial, by_name["x"].inside, by_name["x"].outside) == ("", (), ("b",))


names = st.sampled_from(["a", "b", "c.d"])
pieces = st.one_of(
    st.text(alphabet="xyz <&\n", max_size=6),
    names.map(lambda n: f"{{{{{n}}}}}"),
    names.map(lambda n: f"{{{{{{{n}}}}}}}"),
    st.tuples(names, st.text(alphabet="xyz \n", max_size=5)).map(
        lambda t: f"{{{{#{t[0]}}}}}{t[1]}{{{{/{t[0]}}}}}"
    ),
    st.tuples(names, names).map(lambda t: f"{{{{^{t[0]}}}}}{{{{{t[1]}}}}}{{{{/{t[0]}}}}}"),
)
values = st.text(alphabet='pq<&"é', min_size=1, max_size=4)


@settings(deadline=None)
@given(text=st.lists(pieces, max_size=8).map("".join), a=values, b=values, d=values)
def test_where_every_value_is_there_it_writes_what_mystace_writes(text: str, a: str, b: str, d: str) -> None:
    context = {"a": a, "b": b, "c": {"d": d}}
    theirs = MustacheRenderer.from_template(text).render(context, html_escape_fn=str)
    assert written(text, context) == theirs


@pytest.mark.parametrize(
    "text",
    [
        "{{#a}}{{#a}}{{#a}}x{{/a}}{{/a}}{{/a}}",
        "{{#a}}{{#b}}{{/b}}{{/a}}",
        "{{#a}}{{#b}}{{^no}}{{^no}}{{#yes}}{{/yes}}{{/no}}{{/no}}{{/b}}{{/a}}",
    ],
    ids=["in itself", "in another, and empty", "with sections that are no lists"],
)
def test_lists_within_lists_end_soon_with_an_error_that_says_what_to_do(text: str) -> None:
    many = ["x"] * 20_000  # of which 64 KiB of payload hold so many
    error = error_of(text, {"a": many, "b": many, "no": False, "yes": True})
    assert error.code == "too_much"
    assert "Shorten its list" in error.message
    assert error.part == "text"


def test_a_long_value_that_a_list_repeats_ends_soon_too() -> None:
    context = {"a": ["x"] * 1000, "long": "x" * (MOST_CHARACTERS // 1000 + 1)}
    error = error_of("{{#a}}{{long}}{{/a}}{{#a}}{{long}}{{/a}}", context)
    assert (error.code, error.section) == ("too_much", "a")


def test_the_longest_list_that_a_payload_holds_is_written() -> None:
    many = ["x"] * 13_000
    assert len(str(many).replace("'", '"')) > 64 * 1024 - 1000
    assert written("{{#a}}<li>{{.}}</li>\n{{/a}}", {"a": many}).count("<li>") == len(many)
    assert 4 * len(many) < MOST_PIECES
