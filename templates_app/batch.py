"""One text for many readers: in, a version and their contexts; out, a skeleton with keys in it, and each reader's values.

Pure. Filled in, the skeleton is to the letter what `CompiledVersion.render` writes for that reader alone. Made for
e-mail, whose parts are tidied at their ends only, but for the subject.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

from templates_app.compiled import CompiledVersion, payload_words, reserved_words, zone_of
from templates_app.engine import PARTS, RESERVED, TemplateError
from templates_app.loom import Loom, Values, same

Context = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The parts with keys in the place of what differs; `keys` in the order of every reader's values."""

    locale: str
    parts: Mapping[str, str]
    keys: tuple[str, ...] = ()

    def filled(self, values: Values) -> dict[str, str]:
        """The parts as one reader gets them."""
        pairs = tuple(zip(self.keys, values, strict=True))
        parts = dict(self.parts)
        for part, text in parts.items():
            for key, value in pairs:
                text = text.replace(key, value)
            parts[part] = text
        return parts

    def headed(self, part: str, mark: str) -> "Skeleton":
        """The same with a mark before one part."""
        return replace(self, parts={**self.parts, part: f"{mark}{self.parts[part]}"})


def render_together(
    version: CompiledVersion,
    *,
    channel: str,
    locale: str,
    contexts: Sequence[tuple[Context, Context]],
    nonce: str,
    room: int,
) -> tuple[Skeleton, list[Values | None]]:
    """A skeleton, and for each (payload, reserved) context its values: None for a reader whose message must be rendered
    alone, since it cannot be rendered, would be tidied otherwise, or has more than `room` bytes of keys and values.

    `nonce` is what nobody can have written into a payload: the keys are made of it. Raises TemplateError as `render`.
    """
    used, texts = version.texts_for(channel, locale)
    rows, one_payload = _words(version, contexts, used)
    loom = Loom(rows, nonce, one_payload=one_payload)
    parts = {part: loom.weave(part, texts[part]) for part in PARTS[channel] if part in texts}
    keys = tuple(map(loom.key, range(len(loom.columns))))
    # Without a key there is nothing to transpose: everybody's values are none.
    values = zip(*loom.columns, strict=True) if keys else repeat(())
    left = room - sum(map(len, keys))
    return Skeleton(used, parts, keys), [
        row if words is not None and _fits(row, left) else None
        for words, row in zip(loom.rows, values)  # noqa: B905
    ]


def _fits(values: Values, room: int) -> bool:
    # Four bytes a character at most: most values need no encoding to be measured.
    return sum(map(len, values)) * 4 <= room or sum(len(value.encode()) for value in values) <= room


def _words(
    version: CompiledVersion, contexts: Sequence[tuple[Context, Context]], locale: str
) -> tuple[list[dict[str, Any] | None], bool]:
    """Everybody's words, None for a payload that is no payload; and whether all have the same payload in the same words."""
    rows: list[dict[str, Any] | None] = []
    # Equal payloads share one reading, but for what is told by the reader's own clock.
    by_clock = any(placeholder.type == "datetime" for placeholder in version.placeholders)
    read: dict[str, tuple[Context, dict[str, Any]]] = {}
    readings = 0
    for payload, given in contexts:
        reserved = reserved_words(given, locale)
        zone = zone_of(reserved) if by_clock else ""
        known = read.get(zone)
        if known is None or not same(known[0], payload):
            readings += 1
            own = {name: value for name, value in payload.items() if name not in RESERVED}
            try:
                words = payload_words(own, version.placeholders, locale=locale, zone=zone)
            except TemplateError:
                rows.append(None)
                continue
            known = read[zone] = payload, words
        rows.append({**known[1], **reserved})
    return rows, readings == 1
