"""What stands in a text for a value that its reader may not see: in, a placeholder; out, a mask of the same shape. Pure."""

from typing import Any

from templates_app.formats import PIECES, Formatted
from templates_app.placeholders import Placeholder, item_fields

DOTS = "•••"
# In a payload, in the place of a value. Compared by identity, so that nobody can write it.
MASKED = object()


def mask(placeholder: Placeholder) -> Any:
    """Words that every tag of the placeholder can write: all pieces of a date, one item of a list, a flag that is set."""
    match placeholder.type:
        case "flag":
            return True
        case "list":
            fields = item_fields(placeholder)
            return [dict.fromkeys(fields, DOTS) if fields else DOTS]
        case kind if kind in PIECES:
            return Formatted(dict.fromkeys(PIECES[kind], DOTS))
        case _:
            return DOTS
