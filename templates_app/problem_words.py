"""A problem of a wording in its reader's language: in, a Problem; out, where it is and what to do about it.

The proof is pure and speaks English, as the command line does; here its sentences are recognised, and said again.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from templates_app.shape import Problem
from templates_app.spoken import CHANNEL_NAMES, PART_NAMES, language_name

# As the proof writes them; of two that fit, the longer one stands first.
SENTENCES = (
    _("“%(name)s” would not be escaped in HTML: write %(tag)s."),
    _("{{.}} has a meaning only within the section of a list."),
    _("“%(name)s” is not declared as a placeholder; did you mean “%(near)s”?"),
    _("“%(name)s” is not declared as a placeholder."),
    _("“%(name)s”: a placeholder's name has lower-case letters, digits and _."),
    _("“%(name)s” is filled by Postroom: choose another name."),
    _("“%(name)s” is declared twice."),
    _("“%(name)s” has no known type: choose %(types)s."),
    _("The sample of “%(name)s” must be %(type)s."),
    _("“%(name)s” must be %(type)s."),
    _("“%(name)s” is unknown: %(space)s has %(names)s."),
    _("“system.sandbox” is true or false: use it as a section."),
    _("“%(name)s”: a %(kind)s has these pieces: %(pieces)s."),
    _("“%(name)s” is a %(kind)s: use it as %(tag)s."),
    _("“%(name)s” is no text: use it as %(tag)s."),
    _("“%(name)s” may be blank: put it inside %(tag)s."),
    _("“%(name)s” is required but no text in this language uses it: use it, or remove it."),
    _("“%(name)s” has no value: add it to the payload."),
    _("“%(name)s” stands within itself: each item would write the whole list again."),
    _("The section “%(name)s” is written too often: %(pieces)s pieces or %(most)s characters at most. Shorten its list, or take it out of the other list."),
    _("This part is one line: remove the line break."),
    _("This link %(rule)s"),
    _("“}}” closes nothing: write tags as {{name}}."),
    _("There is no text in any language."),
    _("Another language has this channel: write it here too."),
    _("This part has no text: write it."),
    _("Channels are %(names)s."),
    _("This channel has: %(names)s."),
    _("With the samples this is %(count)s SMS (%(encoding)s): %(most)s at most."),
    _("With the samples this exceeds %(most)s bytes: a push service may refuse it."),
    _("The style sheet cannot be read: %(error)s."),
    _("Inlining the CSS lost a tag: keep tags in text or in quoted attributes."),
    _("<%(tag)s> does not work in e-mail: remove it."),
    _("An image needs alt text (alt=\"\" if it only decorates)."),
    _("Inside an element, a tag may stand only within a quoted attribute."),
    _("A style sheet may not hold tags: their values are not escaped for CSS."),
    _("A style may not hold tags: their values are not escaped for CSS."),
    _("%(name)s= runs code: remove it."),
    _("%(name)s= %(rule)s"),
    _("Delimiters cannot be changed: write tags as {{name}}."),
    _("“%(tag)s” is no tag: a name has letters, digits, _ and dots."),
    _("“{{” is never closed: add “}}”."),
    _("%(tag)s closes nothing."),
    _("%(tag)s stands where %(other)s should close line %(line)s."),
    _("The section “%(name)s” is never closed."),
    _("The partial “%(name)s” includes itself: %(path)s."),
    _("There is no partial “%(name)s” (%(path)s); known: %(known)s."),
    _("An advertising e-mail must show %(tag)s, whatever else is left out: the layout's footer does."),
    _("The way out must be a link: %(tag)s."),
    _("An advertising text message must say how to leave: “Reply STOP to opt out”."),
)  # fmt: skip
# What may stand in a hole and is a phrase itself.
PHRASES = (
    _("a text or a number"),
    _("an address that begins with https:// (or http://)"),
    _("a date like 2026-11-24"),
    _("a moment with its offset, like 2026-11-24T09:30:00-04:00"),
    _('an amount like {"amount": "500.00", "currency": "CAD"}'),
    _("true or false"),
    _("a list of texts, or of objects whose values are texts"),
    _("must begin with https://, http://, mailto:, tel:, # or a placeholder of type url."),
)
_HOLE = re.compile(r"%\((\w+)\)s")


def message_in_words(message: str) -> str:
    """The sentence in the language that is active; one that nobody knows stays as it is."""
    for sentence, pattern in _patterns():
        if match := pattern.fullmatch(message):
            said = {
                hole: gettext(text) if text in PHRASES else text for hole, text in match.groupdict().items()
            }
            return gettext(sentence) % said if said else gettext(sentence)
    return message


def in_words(problem: Problem) -> str:
    """Where, and what: “French · E-mail · HTML, line 2: …”."""
    names = [
        language_name(problem.locale) if problem.locale else "",
        str(CHANNEL_NAMES.get(problem.channel, problem.channel)),
        str(PART_NAMES.get(problem.part, problem.part)),
    ]
    place = " · ".join(filter(None, names))
    line = gettext("line %s") % problem.line if problem.line else ""
    where = ", ".join(filter(None, [place, line]))
    message = message_in_words(problem.message)
    return gettext("%(where)s: %(what)s") % {"where": where, "what": message} if where else message


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((sentence, re.compile("".join(_pieces(sentence)), re.DOTALL)) for sentence in SENTENCES)


def _pieces(sentence: str) -> Iterator[str]:
    for place, piece in enumerate(_HOLE.split(sentence)):
        yield f"(?P<{piece}>.+?)" if place % 2 else re.escape(piece)
