"""A version ready to render: in, its content; out, the parts of one message in the recipient's language. Pure."""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from templates_app.engine import OPTIONAL_PARTS, PARTS, RESERVED, Mustache, TemplateError
from templates_app.formats import TYPES, in_words, is_valid
from templates_app.layout import FRAMES
from templates_app.masked import MASKED, mask
from templates_app.placeholders import Placeholder, filled
from templates_app.segments import economical

# Where an inline subject and body go on each channel.
SUBJECT_PART: Mapping[str, str] = {"email": "subject", "push": "title", "inapp": "title"}
BODY_PART: Mapping[str, str] = {"email": "text", "sms": "text", "push": "body", "inapp": "message"}
ONE_LINE = frozenset({"subject", "preheader", "title", "url", "action_url", "cta_label"})

# The reserved names that may be blank, empty.
_BLANKS: Mapping[str, dict[str, Any]] = {
    space: {name: "" for name, blank in names.items() if blank} for space, names in RESERVED.items()
}

Texts = Mapping[str, Mapping[str, Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class CompiledVersion:
    """Every text of a version, read once: {locale: {channel: {part: Mustache}}}."""

    placeholders: tuple[Placeholder, ...]
    texts: Mapping[str, Mapping[str, Mapping[str, Mustache]]]
    default_locale: str
    sensitive: frozenset[str] = frozenset()  # names

    @classmethod
    def of(
        cls, content: Texts, placeholders: Iterable[Placeholder], *, default_locale: str
    ) -> "CompiledVersion":
        """Read the content of a version; raises TemplateError where a text is broken."""
        texts = {
            locale: {
                channel: {part: Mustache.read(text, part=part) for part, text in parts.items() if text}
                for channel, parts in channels.items()
            }
            for locale, channels in content.items()
        }
        declared = tuple(placeholders)
        return cls(declared, texts, default_locale, frozenset(p.name for p in declared if p.sensitive))

    def render(
        self,
        *,
        channel: str,
        locale: str,
        context: Mapping[str, Any],
        overrides: Mapping[str, str] | None = None,
    ) -> tuple[str, dict[str, str]]:
        """The locale used, and the parts. `context` is the payload plus `recipient` and `system`.

        Raises TemplateError for a channel the version does not have, and for a placeholder without a value.
        """
        used, texts = self.texts_for(channel, locale)
        words = _words(context, self.placeholders, used)
        given = overrides or {}
        replaced = _inline_parts(channel, given.get("subject"), given.get("body"), words, frames=texts)
        parts = {
            part: replaced[part] if part in replaced else _write(channel, part, texts[part], words)
            for part in PARTS[channel]
            if part in texts or part in replaced
        }
        # An optional link whose placeholder was left out is no link.
        return used, {
            part: text for part, text in parts.items() if text or (channel, part) not in OPTIONAL_PARTS
        }

    def texts_for(self, channel: str, locale: str) -> tuple[str, Mapping[str, Mustache]]:
        """The language that a reader of `locale` gets, and the channel's texts in it, by part. Raises TemplateError."""
        used = choose_locale(self.texts, locale, self.default_locale)
        texts = self.texts[used].get(channel)
        if texts is None:
            raise TemplateError(
                "no_channel", f"This version has no {channel} text: it has {', '.join(self.texts[used])}."
            )
        return used, texts


def render_inline_parts(
    *,
    channel: str,
    locale: str,
    context: Mapping[str, Any],
    subject: str | None,
    body: str,
    frames: Mapping[str, Mustache],
) -> dict[str, str]:
    """The parts of a message that has no template: its subject and body, within the layout for an e-mail."""
    parts = _inline_parts(channel, subject, body, _words(context, (), locale), frames=frames)
    for part in PARTS[channel]:
        if part not in parts and (channel, part) not in OPTIONAL_PARTS:
            raise TemplateError(
                "missing_text", f"A message without a template needs a {part}: pass subject.", part
            )
    return parts


def choose_locale(locales: Iterable[str], wanted: str, default: str) -> str:
    """fr_CA → fr → the default language → the first one there is."""
    known = {_plain(locale): locale for locale in locales}
    plain = _plain(wanted), _plain(default)
    for candidate in (name for whole in plain for name in (whole, whole.partition("_")[0])):
        if candidate in known:
            return known[candidate]
    if not known:
        raise TemplateError("no_locale", "This version has no text in any language.")
    return next(iter(known.values()))


def _words(context: Mapping[str, Any], placeholders: tuple[Placeholder, ...], locale: str) -> dict[str, Any]:
    """The context as texts want it: facts in the reader's words, optional names present, namespaces complete."""
    reserved = reserved_words(context, locale)
    given = {k: v for k, v in context.items() if k not in RESERVED}
    return {**payload_words(given, placeholders, locale=locale, zone=zone_of(reserved)), **reserved}


def reserved_words(context: Mapping[str, Any], locale: str) -> dict[str, dict[str, Any]]:
    """The namespaces `recipient` and `system`, complete."""
    system = {**_BLANKS["system"], **context.get("system", {}), "locale": locale.replace("_", "-")}
    return {"recipient": {**_BLANKS["recipient"], **context.get("recipient", {})}, "system": system}


def zone_of(reserved: Mapping[str, Mapping[str, Any]]) -> str:
    return str(reserved["recipient"].get("timezone") or "")


def payload_words(
    payload: Mapping[str, Any], placeholders: tuple[Placeholder, ...], *, locale: str, zone: str
) -> dict[str, Any]:
    """A payload in the reader's words. Raises TemplateError for a value that is not what its type says."""
    words = filled(placeholders, payload)
    for p in placeholders:
        if words.get(p.name) is MASKED:
            words[p.name] = mask(p)
        elif words.get(p.name) not in (None, ""):
            if not is_valid(p.type, words[p.name]):
                raise TemplateError("invalid", f"“{p.name}” must be {TYPES[p.type]}.")
            words[p.name] = in_words(p.type, words[p.name], locale=locale, zone=zone)
    return words


def _inline_parts(
    channel: str,
    subject: str | None,
    body: str | None,
    words: Mapping[str, Any],
    *,
    frames: Mapping[str, Mustache],
) -> dict[str, str]:
    parts: dict[str, str] = {}
    if subject and channel in SUBJECT_PART:
        part = SUBJECT_PART[channel]
        parts[part] = _write(channel, part, Mustache.read(subject, part="subject"), words)
    if body:
        text = Mustache.read(body, part="body").write(words, escape=False).strip()
        if channel == "email":
            parts |= _framed(text, words, frames)
        else:
            parts[BODY_PART[channel]] = tidy(channel, BODY_PART[channel], text)
    return parts


def _framed(body: str, words: Mapping[str, Any], frames: Mapping[str, Mustache]) -> dict[str, str]:
    blocks = re.split(r"\n\s*\n", body.replace("\r\n", "\n"))
    markup = "\n".join(f"<p>{html.escape(block.strip()).replace(chr(10), '<br>')}</p>" for block in blocks)
    parts: dict[str, str] = {}
    for part, inner in (("text", body), ("html", markup)):
        frame = frames.get(FRAMES[part])
        within = {**words, "system": {**words["system"], "body": inner}}
        parts[part] = _write("email", part, frame, within) if frame else inner
    return parts


def _write(channel: str, part: str, text: Mustache, words: Mapping[str, Any]) -> str:
    return tidy(channel, part, text.write(words, escape=part == "html"))


def tidy(channel: str, part: str, text: str) -> str:
    """One-line parts hold no line break (an e-mail header must not), an SMS no costly sign."""
    if part in ONE_LINE:
        text = " ".join(text.split())
    if channel == "sms":
        text = economical(text)
    return text.strip() + ("\n" if channel == "email" and part != "subject" else "")


def _plain(locale: str) -> str:
    return locale.replace("-", "_").lower()
