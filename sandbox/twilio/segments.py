"""How a text message is split for the radio network (3GPP TS 23.038 and 23.040). A text comes in, encoding
and segments go out. 160 GSM-7 or 70 UCS-2 units fit one message; in a split one each segment gives 7 or 3
units to its header."""

from dataclasses import dataclass

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("^{}\\[~]|€\f")  # each costs two units: an escape and itself
GSM = BASIC | EXTENDED


@dataclass(frozen=True, slots=True)
class Segments:
    """The split of one text: `units` are septets in GSM-7 and 16-bit units in UCS-2."""

    encoding: str
    units: int
    count: int


def split(text: str) -> Segments:
    """Encoding, units and number of segments of a text."""
    if BASIC.issuperset(text):
        return Segments("GSM-7", len(text), 1 if len(text) <= 160 else -(-len(text) // 153))
    if GSM.issuperset(text):
        encoding, costs, whole, part = (
            "GSM-7",
            [2 if character in EXTENDED else 1 for character in text],
            160,
            153,
        )
    else:
        encoding, costs, whole, part = (
            "UCS-2",
            [2 if character > "\uffff" else 1 for character in text],
            70,
            67,
        )
    units = sum(costs)
    return Segments(encoding, units, 1 if units <= whole else _count(costs, part))


def _count(costs: list[int], part: int) -> int:
    """Segments filled in order; neither an escape pair nor a surrogate pair is ever torn apart."""
    segments, used = 1, 0
    for cost in costs:
        if used + cost > part:
            segments, used = segments + 1, 0
        used += cost
    return segments
