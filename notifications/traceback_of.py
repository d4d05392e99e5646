"""Where something broke, without what it was about: in, an exception; out, its traceback as text.

Python's own ends each exception with its whole message, which quotes what it choked on; PostgreSQL's shows the row.
"""

import traceback
from collections.abc import Iterator

from notifications.masking import sentence_of


def traceback_of(error: BaseException) -> str:
    """The frames of the exception and of those it came from, oldest first, each with its class and its redacted first line."""
    return "\n".join(
        "".join(
            [
                "Traceback (most recent call last):\n",
                *traceback.format_tb(one.__traceback__),
                sentence_of(one),
            ]
        )
        for one in reversed(list(_chain(error)))
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
