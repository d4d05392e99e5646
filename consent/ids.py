"""Ids in texts of strangers: in, what stands in an address, a form or a report; out, the id, or None for what is none."""

import uuid


def uuid_of(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
