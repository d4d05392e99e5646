"""The HTML of an e-mail: in, markup with mustache tags; out, what must not be in it, and the markup with its CSS inlined.

Pure. Escaping keeps a value inside its text or its quotes; these rules keep tags out of the places where that is not enough.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from html.parser import HTMLParser

import css_inline

from templates_app.tags import TAG, TemplateError

_REFUSED = frozenset(
    {"script", "iframe", "object", "embed", "form", "input", "button", "link", "base", "svg", "video"}
)
_ADDRESSES = frozenset({"href", "src", "action", "background", "poster", "srcset", "cite", "formaction"})
_SAFE_START = re.compile(r"https?://[^/{}\s]+(/|$)|mailto:[^{}\s]|tel:\+?\d|#")
_FIRST_TAG = re.compile(r"(?:\{\{#\s*[\w.]+\s*\}\})?\{\{\s*(?P<name>[\w.]+)\s*\}\}")
_BARE_VALUE = re.compile(r"=\s*\{\{")
# A comment, a title (where comments are text), or an element with its attributes.
_SPOT = re.compile(
    r"<!--.*?-->|<title[^>]*>.*?</title>|<[a-zA-Z/!](?:\"[^\"]*\"|'[^']*'|[^>\"'])*>",
    re.DOTALL | re.IGNORECASE,
)
_AT_RULES = re.compile(r"<head>(<style>.*?</style>)(.*?)</head>", re.DOTALL)
_TOKEN = re.compile(r"<!--mustache-tag-(\d+)-->|mustache-tag-(\d+)-end")
_INLINER = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)

Rule = tuple[int, str, str]
ADDRESS_RULE = "must begin with https://, http://, mailto:, tel:, # or a placeholder of type url."


def broken_rules(markup: str, *, is_url: Callable[[str], bool]) -> list[Rule]:
    """(line, code, message) for all that must not be in an e-mail. `is_url` answers for a placeholder's name."""
    reader = _Reader(is_url)
    reader.feed(markup)
    reader.close()
    return reader.broken


def is_safe_address(value: str, *, is_url: Callable[[str], bool]) -> bool:
    """May a link begin like this: a web, mail or phone address as it stands, or a placeholder of type url?"""
    first = _FIRST_TAG.match(value)
    return bool(_SAFE_START.match(value)) or bool(first and is_url(first["name"]))


@lru_cache(maxsize=64)
def inline_css(markup: str) -> str:
    """The document with its style sheet on its elements; at-rules (@media) stay in the head.

    The inliner parses HTML: it would move a tag out of a table, and escape the & of another. So tags leave as comments
    (which may stand anywhere), or as plain words inside attributes and titles, and come back after.
    """
    tags: list[str] = []

    def leave(template: str) -> Callable[[re.Match[str]], str]:
        def swap(match: re.Match[str]) -> str:
            tags.append(match[0])
            return template.format(len(tags) - 1)

        return swap

    pieces: list[str] = []
    read_to = 0
    for spot in _SPOT.finditer(markup):
        pieces.append(TAG.sub(leave("<!--mustache-tag-{}-->"), markup[read_to : spot.start()]))
        is_comment = spot[0].startswith("<!--")
        pieces.append(spot[0] if is_comment else TAG.sub(leave("mustache-tag-{}-end"), spot[0]))
        read_to = spot.end()
    pieces.append(TAG.sub(leave("<!--mustache-tag-{}-->"), markup[read_to:]))
    try:
        inlined = _INLINER.inline("".join(pieces))
    except css_inline.InlineError as error:
        raise TemplateError("css", f"The style sheet cannot be read: {error}.", "html") from error
    # The inliner puts what remains of the sheet first; the charset must come in the first 1024 bytes (HTML, 4.2.5.4).
    inlined = _AT_RULES.sub(r"<head>\2\1</head>", inlined, count=1)
    result = _TOKEN.sub(lambda m: tags[int(m[1] or m[2])], inlined)
    if Counter(m[0] for m in TAG.finditer(result)) != Counter(m[0] for m in TAG.finditer(markup)):
        raise TemplateError(
            "css", "Inlining the CSS lost a tag: keep tags in text or in quoted attributes.", "html"
        )
    return result


class _Reader(HTMLParser):
    def __init__(self, is_url: Callable[[str], bool]) -> None:
        super().__init__(convert_charrefs=False)
        self.broken: list[Rule] = []
        self._is_url = is_url
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        names = [name for name, _ in attrs]
        if tag in _REFUSED:
            self._break("refused_element", f"<{tag}> does not work in e-mail: remove it.")
        if tag == "img" and "alt" not in names:
            self._break("missing_alt", 'An image needs alt text (alt="" if it only decorates).')
        if any("{{" in name or "}}" in name for name in names) or _BARE_VALUE.search(
            self.get_starttag_text() or ""
        ):
            self._break(
                "tag_in_element", "Inside an element, a tag may stand only within a quoted attribute."
            )
        for name, value in attrs:
            for code, message in self._attribute(name, value or ""):
                self._break(code, message)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style and "{{" in data:
            self._break(
                "tag_in_style", "A style sheet may not hold tags: their values are not escaped for CSS."
            )

    def _attribute(self, name: str, value: str) -> Iterator[tuple[str, str]]:
        if name.startswith("on"):
            yield "refused_attribute", f"{name}= runs code: remove it."
        if name == "style" and "{{" in value:
            yield "tag_in_style", "A style may not hold tags: their values are not escaped for CSS."
        if name in _ADDRESSES and not is_safe_address(value, is_url=self._is_url):
            yield "unsafe_address", f"{name}= {ADDRESS_RULE}"

    def _break(self, code: str, message: str) -> None:
        self.broken.append((self.getpos()[0], code, message))
