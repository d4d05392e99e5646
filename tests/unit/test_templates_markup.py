"""The HTML of an e-mail: what must not be in it, and CSS inlined without losing a tag."""

import socket

import pytest

from templates_app.markup import broken_rules, inline_css
from templates_app.tags import TAG


def rules(markup: str) -> list[tuple[int, str]]:
    return [(line, code) for line, code, _ in broken_rules(markup, is_url=lambda name: name.endswith("_url"))]


def test_ordinary_markup_breaks_no_rule() -> None:
    markup = """<p class="x">{{name}} &amp; co</p>
        <a href="{{booking_url}}">x</a><a href="{{ system.public_url }}/b">x</a><a href="https://a.example/{{id}}">x</a>
        <a href="mailto:hello@rental.example">x</a><img src="https://a.example/x.png" alt="">
        <!--[if mso]><table><tr><td><![endif]--><br/>"""
    assert rules(markup) == []


@pytest.mark.parametrize(
    ("markup", "code"),
    [
        ("<script>x</script>", "refused_element"),
        ("<iframe src='https://a.example/'></iframe>", "refused_element"),
        ("<form></form>", "refused_element"),
        ("<p onclick='x'>", "refused_attribute"),
        ("<a href='javascript:x'>", "unsafe_address"),
        ("<a href='data:text/html,x'>", "unsafe_address"),
        ("<a href='{{name}}'>", "unsafe_address"),
        ("<a href='{{name}}{{booking_url}}'>", "unsafe_address"),
        ("<a href='https://{{name}}/'>", "unsafe_address"),
        ("<a href='https://a.example{{name}}'>", "unsafe_address"),
        ("<a href={{booking_url}}>", "tag_in_element"),
        ("<p {{#a}}class='x'{{/a}}>", "tag_in_element"),
        ("<p style='color: {{colour}}'>", "tag_in_style"),
        ("<style>p { color: {{colour}} }</style>", "tag_in_style"),
        ("<img src='https://a.example/x.png'>", "missing_alt"),
    ],
)
def test_markup_that_is_dangerous_or_does_not_work_is_refused_with_its_line(markup: str, code: str) -> None:
    assert (3, code) in rules(f"<p>\n</p>\n{markup}")


def test_css_goes_onto_the_elements_and_media_rules_stay() -> None:
    inlined = inline_css(
        "<html><head><meta charset='utf-8'><style>.a { color: red } @media (max-width: 9px) { .a { color: blue } }"
        "</style></head><body><p class='a'>x</p></body></html>"
    )
    assert '<p class="a" style="color: red;">x</p>' in inlined
    assert "@media (max-width: 9px)" in inlined
    assert inlined.index("charset") < inlined.index("<style>")


def test_tags_survive_in_tables_attributes_titles_comments_and_text() -> None:
    markup = """<html lang="{{system.locale}}"><head><title>{{subject}}</title><style>td { color: red }</style></head><body>
        {{! a > remark }}{{#any}}<table>{{#rows}}<tr><td>{{a}} {{{b}}} {{&c}}</td></tr>{{/rows}}</table>{{/any}}
        <a href="{{booking_url}}?a=1&amp;b={{c}}" title="{{#d}}{{d}}{{/d}}">x</a><!--[if mso]>{{e}}<![endif]--></body></html>"""
    inlined = inline_css(markup)
    assert sorted(m[0] for m in TAG.finditer(inlined)) == sorted(m[0] for m in TAG.finditer(markup))
    assert '<tr><td style="color: red;">{{a}} {{{b}}} {{&c}}</td></tr>{{/rows}}</tbody></table>' in inlined
    assert 'href="{{booking_url}}?a=1&amp;b={{c}}"' in inlined
    assert "<title>{{subject}}</title>" in inlined


def test_a_remote_style_sheet_is_never_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x.css"
        inline_css(f'<html><head><link rel="stylesheet" href="{address}"></head><body><p>x</p></body></html>')
        with pytest.raises(TimeoutError):
            server.accept()
