"""What the law wants in a message that advertises: in, a part as it is sent, tags still in it; out, what it lacks. Pure.

CAN-SPAM (15 U.S.C. 7704, 16 CFR 316) and CASL (section 6): a postal address, and a way out that works at once.
"""

import re
from collections.abc import Iterator

from templates_app.layout import LAYOUTS
from templates_app.partials import uses

Fault = tuple[str, str]  # code, message

ADDRESS, LEAVE = "system.postal_address", "system.unsubscribe_url"
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LINK = re.compile(r"""href\s*=\s*["']\s*\{\{\s*system\.unsubscribe_url\s*\}\}\s*["']""")
# The words that `consent/keywords.py` obeys in both languages, as a text message tells them.
_HINT = re.compile(r"\b(STOP|ARRET|ARRÊT)\b")


def lacking(channel: str, part: str, text: str) -> Iterator[Fault]:
    """What an advertising message lacks in this part; the text has its partials in it."""
    if channel == "email" and part in LAYOUTS:
        seen = _COMMENT.sub("", text) if part == "html" else text
        always = set(_always_shown(seen, part))
        for name in (ADDRESS, LEAVE):
            if name not in always:
                yield (
                    "law",
                    f"An advertising e-mail must show {{{{{name}}}}}, whatever else is left out: the layout's footer does.",
                )
        if part == "html" and LEAVE in always and not _LINK.search(seen):
            yield "law", f'The way out must be a link: <a href="{{{{{LEAVE}}}}}">.'
    if channel == "sms" and part == "text" and not _HINT.search(text):
        yield "law", "An advertising text message must say how to leave: “Reply STOP to opt out”."


def _always_shown(text: str, part: str) -> Iterator[str]:
    """The names that are written whatever the message says: in no section but their own."""
    for use in uses(text, {}, part=part):
        if use.kind in ("variable", "raw") and not use.outside and set(use.inside) <= {use.name}:
            yield use.name
