"""What an SMS costs: in, a text; out, its encoding and segments, and the same words in fewer of them. Pure.

One letter outside GSM 7-bit (3GPP TS 23.038) turns the whole text into UCS-2: 70 characters a segment, not 160.
"""

import unicodedata
from dataclasses import dataclass

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")  # an escape before each: they count twice
_TYPOGRAPHY = str.maketrans(
    {
        "’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "—": "-", "−": "-",
        "…": "...", "\xa0": " ", "\u202f": " ", "\u2009": " ", "œ": "oe", "Œ": "OE", "•": "-",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Segments:
    """encoding is GSM-7 or UCS-2; `units` of at most `room` in all, billed as `count` messages."""

    encoding: str
    units: int
    count: int
    room: int


def segments(text: str) -> Segments:
    """How a provider cuts this text: 160 or 70 units alone, 153 or 67 in each piece of a longer one."""
    if all(c in _BASIC or c in _EXTENDED for c in text):
        encoding, units, alone, piece = "GSM-7", sum(2 if c in _EXTENDED else 1 for c in text), 160, 153
    else:
        encoding, units, alone, piece = "UCS-2", len(text.encode("utf-16-le")) // 2, 70, 67
    count = 1 if units <= alone else -(-units // piece)
    return Segments(encoding, units, count, alone if count == 1 else piece * count)


def culprits(text: str) -> tuple[str, ...]:
    """The signs that keep a text out of GSM-7, each once, in their order."""
    return tuple(dict.fromkeys(c for c in text if c not in _BASIC and c not in _EXTENDED))


def economical(text: str) -> str:
    """The text for SMS: typographic signs become plain ones, and where that is all it takes to fit GSM-7, the accents
    that GSM-7 lacks are dropped («août», «reçu» → «aout», «recu»; é è à ù stay). Other scripts stay as they are."""
    plain = text.translate(_TYPOGRAPHY)
    bare = "".join(c if c in _BASIC or c in _EXTENDED else _base(c) for c in plain)
    return bare if all(c in _BASIC or c in _EXTENDED for c in bare) else plain


def _base(letter: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", letter) if not unicodedata.combining(c))
