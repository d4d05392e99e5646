"""The e-mail around the words: in, the parts an editor wrote and the shared partials; out, whole documents. Pure.

A layout (`layout/email`, `layout/email_text`) is one whole document with the holes {{> body}} and {{> preheader}}, so that a
template holds its own words only, and a message without a template gets the same header and footer.
"""

from collections.abc import Mapping
from types import MappingProxyType

from templates_app.markup import inline_css
from templates_app.partials import expand

LAYOUTS: Mapping[str, str] = MappingProxyType({"text": "layout/email_text", "html": "layout/email"})
# What an editor may write beside the parts that are sent: the line a mailbox shows after the subject.
PREHEADER = "preheader"
BODY = "body"
# An e-mail's layout around {{{system.body}}}, kept with each version for messages whose body is written inline.
FRAMES: Mapping[str, str] = MappingProxyType({"text": "text_frame", "html": "html_frame"})
_INLINE_BODY = "{{{system.body}}}\n"


def for_locale(partials: Mapping[str, str], locale: str, *, default: str) -> dict[str, str]:
    """The partials as one language sees them: of `layout/footer`, `layout/footer.en` and `layout/footer.fr`, the
    nearest one is `layout/footer`; the default language's stands in where there is no other."""
    seen: dict[str, str] = {}
    for suffix in (default, "", locale.replace("-", "_").partition("_")[0], locale.replace("-", "_")):
        for name, text in partials.items():
            base, _, own = name.partition(".")
            if own == suffix:
                seen[base] = text
    return seen


def enclosed(part: str, texts: Mapping[str, str], partials: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The layout of a part (text or html) and the partials that fill its holes with an editor's words."""
    holes = {BODY: texts[part], PREHEADER: texts.get(PREHEADER, "")}
    return f"{{{{> {LAYOUTS[part]}}}}}\n", {**partials, **holes}


def document(part: str, texts: Mapping[str, str], partials: Mapping[str, str]) -> str:
    """An e-mail's part as it is sent, tags still in it: layout and words in one, CSS on the elements."""
    text, within = enclosed(part, texts, partials)
    whole = expand(text, within, part=part)
    return inline_css(whole) if part == "html" else whole


def frames(partials: Mapping[str, str]) -> dict[str, str]:
    """The layouts around an inline body, by the name they are kept under."""
    return {name: document(part, {part: _INLINE_BODY}, partials) for part, name in FRAMES.items()}
