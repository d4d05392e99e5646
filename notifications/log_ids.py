"""Which run, drain or request a line of the log belongs to: in, `with log_ids(run=…):`; out, these ids on each line inside.

The formatters put them there (config/logging.py), so that no logger passes them along; Sentry gets them as tags. What is
called over the courier's event loop keeps them, since asyncio copies the caller's context.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_ids: ContextVar[Mapping[str, str]] = ContextVar("log_ids", default={})  # noqa: B039 (never mutated)


@contextmanager
def log_ids(**ids: str) -> Iterator[None]:
    """Put these on every line of this block. Inner blocks add to outer ones."""
    token = _ids.set({**_ids.get(), **ids})
    try:
        yield
    finally:
        _ids.reset(token)


def current_ids() -> Mapping[str, str]:
    return _ids.get()
