"""Who asked for a message: in, `with origin(job=…, run=…):`; out, these ids in the metadata of every row enqueued inside.

It ties a job's run, an API call or a person to their messages without each caller passing it along.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_origin: ContextVar[Mapping[str, str]] = ContextVar("origin", default={})  # noqa: B039 (never mutated)


@contextmanager
def origin(**ids: str) -> Iterator[None]:
    """Mark every notification enqueued in this block, as `metadata["origin"]`. Inner blocks add to outer ones."""
    token = _origin.set({**_origin.get(), **ids})
    try:
        yield
    finally:
        _origin.reset(token)


def current_origin() -> dict[str, str]:
    return dict(_origin.get())
